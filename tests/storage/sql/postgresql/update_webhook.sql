UPDATE webhooks SET name=$1::VARCHAR, description=$2::VARCHAR, client_url=$3::VARCHAR, moves=$4::INTEGER, event_types=$5::JSON, job_ids=$6::JSON, project_ids=$7::JSON, environment_ids=$8::JSON, active=$9::BOOLEAN, format=$10::VARCHAR, format_settings=$11::JSON, payload_version=$12::VARCHAR, result_filter=$13::JSON, node_filter=$14::JSON, notify=$15::VARCHAR, hold=$16::FLOAT, mention=$17::JSON, include_results=$18::BOOLEAN, retry_schedule=$19::JSON, rate_limit=$20::VARCHAR, next_request_at=CASE WHEN (webhooks.rate_limit IS NOT DISTINCT FROM NULL) THEN webhooks.next_request_at END, custom_headers=$21::JSON, custom_headers_ciphertext=$22::BYTEA, attempt_timeout=$23::FLOAT, "authorization"=$24::JSON, client_certificate=$25::JSON, ca_certificate=$26::VARCHAR, verify_tls=$27::BOOLEAN, deactivated_by=$28::VARCHAR, deactivate_reason=$29::VARCHAR, failing_since=$30::BIGINT, consecutive_failures=$31::INTEGER, failed_probes=$32::INTEGER, paused_until=$33::BIGINT, updated_at=$34::BIGINT WHERE webhooks.account_id = $35::BIGINT AND webhooks.id = $36::VARCHAR COLLATE "C";

WITH locked AS
(SELECT interests.topic AS topic, interests.webhook_id AS webhook_id
FROM interests
WHERE interests.webhook_id = $1::VARCHAR COLLATE "C" ORDER BY interests.topic, interests.webhook_id FOR UPDATE)
 DELETE FROM interests WHERE (interests.topic, interests.webhook_id) IN (SELECT locked.topic, locked.webhook_id
FROM locked);

INSERT INTO interests (topic, webhook_id) SELECT * FROM unnest($1::VARCHAR[], $2::VARCHAR[]);
