UPDATE webhooks SET name=$1::VARCHAR, description=$2::VARCHAR, client_url=$3::VARCHAR, is_consumed=$4::BOOLEAN, moves=$5::INTEGER, event_types=$6::JSON, job_ids=$7::JSON, project_ids=$8::JSON, environment_ids=$9::JSON, active=$10::BOOLEAN, format=$11::VARCHAR, format_settings=$12::JSON, payload_version=$13::VARCHAR, result_filter=$14::JSON, node_filter=$15::JSON, notify=$16::VARCHAR, hold=$17::FLOAT, mention=$18::JSON, include_results=$19::BOOLEAN, retry_schedule=$20::JSON, rate_limit=$21::VARCHAR, next_request_at=CASE WHEN (webhooks.rate_limit IS NOT DISTINCT FROM NULL) THEN webhooks.next_request_at END, custom_headers=$22::JSON, custom_headers_ciphertext=$23::BYTEA, attempt_timeout=$24::FLOAT, "authorization"=$25::JSON, client_certificate=$26::JSON, ca_certificate=$27::VARCHAR, verify_tls=$28::BOOLEAN, deactivated_by=$29::VARCHAR, deactivate_reason=$30::VARCHAR, failing_since=$31::BIGINT, consecutive_failures=$32::INTEGER, failed_probes=$33::INTEGER, paused_until=$34::BIGINT, updated_at=$35::BIGINT WHERE webhooks.account_id = $36::BIGINT AND webhooks.id = $37::VARCHAR COLLATE "C";

WITH locked AS
(SELECT interests.topic AS topic, interests.webhook_id AS webhook_id
FROM interests
WHERE interests.webhook_id = $1::VARCHAR COLLATE "C" ORDER BY interests.topic, interests.webhook_id FOR UPDATE OF interests)
 DELETE FROM interests WHERE (interests.topic, interests.webhook_id) IN (SELECT locked.topic, locked.webhook_id
FROM locked);

INSERT INTO interests (topic, webhook_id) SELECT added.topic, added.webhook_id
FROM unnest($1::TEXT[], $2::TEXT[]) AS added(topic, webhook_id)
WHERE true;
