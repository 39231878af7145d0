UPDATE webhooks SET name=$1::VARCHAR, description=$2::VARCHAR, client_url=$3::VARCHAR, event_types=$4::JSON, job_ids=$5::JSON, project_ids=$6::JSON, environment_ids=$7::JSON, active=$8::BOOLEAN, payload_version=$9::VARCHAR, result_filter=$10::JSON, include_results=$11::BOOLEAN, retry_schedule=$12::JSON, rate_limit=$13::VARCHAR, next_request_at=CASE WHEN (webhooks.rate_limit IS NOT DISTINCT FROM NULL) THEN webhooks.next_request_at END, custom_headers=$14::JSON, custom_headers_ciphertext=$15::BYTEA, deactivated_by=$16::VARCHAR, deactivate_reason=$17::VARCHAR, failing_since=$18::BIGINT, consecutive_failures=$19::INTEGER, failed_probes=$20::INTEGER, paused_until=$21::BIGINT, updated_at=$22::BIGINT WHERE webhooks.account_id = $23::BIGINT AND webhooks.id = $24::VARCHAR COLLATE "C";

DELETE FROM interests WHERE interests.webhook_id = $1::VARCHAR COLLATE "C";

INSERT INTO interests (topic, webhook_id) SELECT * FROM unnest($1::VARCHAR[], $2::VARCHAR[]);
