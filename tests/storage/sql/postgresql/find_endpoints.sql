SELECT webhooks.id, webhooks.client_url, webhooks.secret_ciphertext
FROM webhooks
WHERE webhooks.id IN ($1::VARCHAR COLLATE "C") AND webhooks.active AND webhooks.deleted_at IS NULL;
