SELECT webhooks.custom_headers_ciphertext
FROM webhooks
WHERE webhooks.account_id = $1::BIGINT AND webhooks.id = $2::VARCHAR COLLATE "C";
