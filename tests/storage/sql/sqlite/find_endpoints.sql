SELECT webhooks.id, webhooks.client_url, webhooks.secret_ciphertext
FROM webhooks
WHERE webhooks.id IN (?) AND webhooks.active = 1 AND webhooks.deleted_at IS NULL;
