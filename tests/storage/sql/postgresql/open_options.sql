SELECT webhooks.format_settings_ciphertext, webhooks.custom_headers_ciphertext, webhooks.authorization_ciphertext, webhooks.client_certificate_ciphertext
FROM webhooks
WHERE webhooks.account_id = $1::BIGINT AND webhooks.id = $2::VARCHAR COLLATE "C";
