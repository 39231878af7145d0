SELECT webhooks.id, webhooks.account_id, webhooks.name, webhooks.description, webhooks.client_url, webhooks.event_types, webhooks.job_ids, webhooks.project_ids, webhooks.environment_ids, webhooks.active, webhooks.payload_version, webhooks.retry_schedule, webhooks.header_names, webhooks.headers_ciphertext, webhooks.secret_ciphertext, webhooks.previous_secret_ciphertext, webhooks.previous_secret_until, webhooks.deactivate_reason, webhooks.http_status_code, webhooks.dispatched_at, webhooks.created_at, webhooks.updated_at, webhooks.deleted_at
FROM webhooks
WHERE webhooks.account_id = ? AND webhooks.deleted_at IS NULL ORDER BY webhooks.id
 LIMIT ? OFFSET ?;
