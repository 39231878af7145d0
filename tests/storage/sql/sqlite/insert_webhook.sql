INSERT INTO webhooks (id, account_id, name, description, client_url, client_url_ciphertext, is_consumed, moves, event_types, job_ids, project_ids, environment_ids, active, format, format_settings, format_settings_ciphertext, payload_version, result_filter, node_filter, notify, hold, mention, include_results, retry_schedule, rate_limit, custom_headers, custom_headers_ciphertext, attempt_timeout, authorization, authorization_ciphertext, client_certificate, client_certificate_ciphertext, ca_certificate, verify_tls, secret_ciphertext, deactivated_by, deactivate_reason, failing_since, consecutive_failures, failed_probes, paused_until, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

DELETE FROM interests WHERE interests.webhook_id = ?;

INSERT INTO interests (topic, webhook_id) SELECT added.topic, added.webhook_id
FROM (SELECT json_extract(anon_1.value, '$[0]') AS topic, json_extract(anon_1.value, '$[1]') AS webhook_id
FROM json_each(?) AS anon_1) AS added
WHERE 1 = 1;
