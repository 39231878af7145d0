INSERT INTO webhooks (id, account_id, name, description, client_url, event_types, job_ids, project_ids, environment_ids, active, payload_version, result_filter, include_results, retry_schedule, rate_limit, custom_headers, custom_headers_ciphertext, secret_ciphertext, deactivated_by, deactivate_reason, failing_since, consecutive_failures, failed_probes, paused_until, created_at, updated_at) VALUES ($1::VARCHAR COLLATE "C", $2::BIGINT, $3::VARCHAR, $4::VARCHAR, $5::VARCHAR, $6::JSON, $7::JSON, $8::JSON, $9::JSON, $10::BOOLEAN, $11::VARCHAR, $12::JSON, $13::BOOLEAN, $14::JSON, $15::VARCHAR, $16::JSON, $17::BYTEA, $18::BYTEA, $19::VARCHAR, $20::VARCHAR, $21::BIGINT, $22::INTEGER, $23::INTEGER, $24::BIGINT, $25::BIGINT, $26::BIGINT);

DELETE FROM interests WHERE interests.webhook_id = $1::VARCHAR COLLATE "C";

INSERT INTO interests (topic, webhook_id) SELECT * FROM unnest($1::VARCHAR[], $2::VARCHAR[]);
