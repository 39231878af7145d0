SELECT webhooks.id, webhooks.account_id, webhooks.name, webhooks.description, webhooks.client_url, webhooks.event_types, webhooks.job_ids, webhooks.project_ids, webhooks.environment_ids, webhooks.active, webhooks.payload_version, webhooks.result_filter, webhooks.include_results, webhooks.retry_schedule, webhooks.rate_limit, webhooks.next_request_at, webhooks.custom_headers, webhooks.custom_headers_ciphertext, webhooks.attempt_timeout, webhooks.authorization, webhooks.authorization_ciphertext, webhooks.client_certificate, webhooks.client_certificate_ciphertext, webhooks.ca_certificate, webhooks.verify_tls, webhooks.secret_ciphertext, webhooks.previous_secret_ciphertext, webhooks.previous_secret_until, webhooks.deactivated_by, webhooks.deactivate_reason, webhooks.http_status_code, webhooks.dispatched_at, webhooks.failing_since, webhooks.consecutive_failures, webhooks.failed_probes, webhooks.paused_until, webhooks.created_at, webhooks.updated_at, webhooks.deleted_at
FROM webhooks
WHERE webhooks.id IN (SELECT interests.webhook_id
FROM interests
WHERE interests.topic IN (SELECT anon_1.value
FROM json_each(?) AS anon_1)) AND webhooks.deleted_at IS NULL ORDER BY webhooks.id;
