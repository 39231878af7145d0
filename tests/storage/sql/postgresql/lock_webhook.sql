SELECT webhooks.id, webhooks.account_id, webhooks.name, webhooks.description, webhooks.client_url, webhooks.event_types, webhooks.job_ids, webhooks.active, webhooks.payload_version, webhooks.secret_ciphertext, webhooks.deactivate_reason, webhooks.http_status_code, webhooks.dispatched_at, webhooks.created_at, webhooks.updated_at, webhooks.deleted_at
FROM webhooks
WHERE webhooks.account_id = $1::BIGINT AND webhooks.deleted_at IS NULL AND webhooks.id = $2::VARCHAR COLLATE "C" FOR UPDATE;
