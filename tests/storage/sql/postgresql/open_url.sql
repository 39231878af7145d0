SELECT webhooks.client_url_ciphertext
FROM webhooks
WHERE webhooks.account_id = $1::BIGINT AND webhooks.id = $2::VARCHAR COLLATE "C";
