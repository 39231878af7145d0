INSERT INTO webhooks (id, account_id, name, description, client_url, client_url_ciphertext, moves, event_types, job_ids, project_ids, environment_ids, active, format, format_settings, format_settings_ciphertext, payload_version, result_filter, node_filter, notify, hold, mention, include_results, retry_schedule, rate_limit, custom_headers, custom_headers_ciphertext, attempt_timeout, "authorization", authorization_ciphertext, client_certificate, client_certificate_ciphertext, ca_certificate, verify_tls, secret_ciphertext, deactivated_by, deactivate_reason, failing_since, consecutive_failures, failed_probes, paused_until, created_at, updated_at) VALUES ($1::VARCHAR COLLATE "C", $2::BIGINT, $3::VARCHAR, $4::VARCHAR, $5::VARCHAR, $6::BYTEA, $7::INTEGER, $8::JSON, $9::JSON, $10::JSON, $11::JSON, $12::BOOLEAN, $13::VARCHAR, $14::JSON, $15::BYTEA, $16::VARCHAR, $17::JSON, $18::JSON, $19::VARCHAR, $20::FLOAT, $21::JSON, $22::BOOLEAN, $23::JSON, $24::VARCHAR, $25::JSON, $26::BYTEA, $27::FLOAT, $28::JSON, $29::BYTEA, $30::JSON, $31::BYTEA, $32::VARCHAR, $33::BOOLEAN, $34::BYTEA, $35::VARCHAR, $36::VARCHAR, $37::BIGINT, $38::INTEGER, $39::INTEGER, $40::BIGINT, $41::BIGINT, $42::BIGINT);

WITH locked AS
(SELECT interests.topic AS topic, interests.webhook_id AS webhook_id
FROM interests
WHERE interests.webhook_id = $1::VARCHAR COLLATE "C" ORDER BY interests.topic, interests.webhook_id FOR UPDATE)
 DELETE FROM interests WHERE (interests.topic, interests.webhook_id) IN (SELECT locked.topic, locked.webhook_id
FROM locked);

INSERT INTO interests (topic, webhook_id) SELECT * FROM unnest($1::VARCHAR[], $2::VARCHAR[]);
