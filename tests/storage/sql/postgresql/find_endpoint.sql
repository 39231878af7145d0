SELECT webhooks.id, webhooks.client_url, webhooks.secret_ciphertext, CASE WHEN (webhooks.previous_secret_until > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)) THEN webhooks.previous_secret_ciphertext END AS previous_secret_ciphertext, webhooks.paused_until IS NOT NULL OR webhooks.rate_limit IS NOT NULL AS is_gated, webhooks.custom_headers, webhooks.retry_schedule, webhooks.rate_limit, webhooks.custom_headers_ciphertext
FROM webhooks
WHERE webhooks.deleted_at IS NULL AND webhooks.account_id = $1::BIGINT AND webhooks.id = $2::VARCHAR COLLATE "C";
