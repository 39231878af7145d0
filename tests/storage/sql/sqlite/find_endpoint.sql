SELECT webhooks.id, webhooks.client_url, webhooks.secret_ciphertext, CASE WHEN (webhooks.previous_secret_until > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) THEN webhooks.previous_secret_ciphertext END AS previous_secret_ciphertext, webhooks.paused_until IS NOT NULL OR webhooks.rate_limit IS NOT NULL AS is_gated, webhooks.custom_headers, webhooks.retry_schedule, webhooks.rate_limit, webhooks.custom_headers_ciphertext
FROM webhooks
WHERE webhooks.deleted_at IS NULL AND webhooks.account_id = ? AND webhooks.id = ?;
