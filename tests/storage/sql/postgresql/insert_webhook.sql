INSERT INTO webhooks (id, account_id, name, description, client_url, client_url_ciphertext, is_consumed, moves, event_types, job_ids, project_ids, environment_ids, active, format, format_settings, format_settings_ciphertext, payload_version, result_filter, node_filter, notify, hold, mention, include_results, retry_schedule, rate_limit, custom_headers, custom_headers_ciphertext, attempt_timeout, "authorization", authorization_ciphertext, client_certificate, client_certificate_ciphertext, ca_certificate, verify_tls, secret_ciphertext, deactivated_by, deactivate_reason, failing_since, consecutive_failures, failed_probes, paused_until, created_at, updated_at) VALUES ($1::VARCHAR COLLATE "C", $2::BIGINT, $3::VARCHAR, $4::VARCHAR, $5::VARCHAR, $6::BYTEA, $7::BOOLEAN, $8::INTEGER, $9::JSON, $10::JSON, $11::JSON, $12::JSON, $13::BOOLEAN, $14::VARCHAR, $15::JSON, $16::BYTEA, $17::VARCHAR, $18::JSON, $19::JSON, $20::VARCHAR, $21::FLOAT, $22::JSON, $23::BOOLEAN, $24::JSON, $25::VARCHAR, $26::JSON, $27::BYTEA, $28::FLOAT, $29::JSON, $30::BYTEA, $31::JSON, $32::BYTEA, $33::VARCHAR, $34::BOOLEAN, $35::BYTEA, $36::VARCHAR, $37::VARCHAR, $38::BIGINT, $39::INTEGER, $40::INTEGER, $41::BIGINT, $42::BIGINT, $43::BIGINT);

WITH locked AS
(SELECT interests.topic AS topic, interests.webhook_id AS webhook_id
FROM interests
WHERE interests.webhook_id = $1::VARCHAR COLLATE "C" ORDER BY interests.topic, interests.webhook_id FOR UPDATE OF interests)
 DELETE FROM interests WHERE (interests.topic, interests.webhook_id) IN (SELECT locked.topic, locked.webhook_id
FROM locked);

INSERT INTO interests (topic, webhook_id) SELECT added.topic, added.webhook_id
FROM unnest($1::TEXT[], $2::TEXT[]) AS added(topic, webhook_id)
WHERE true;
