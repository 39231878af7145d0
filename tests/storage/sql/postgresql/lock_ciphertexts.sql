SELECT webhooks.id, webhooks.custom_headers_ciphertext, webhooks.authorization_ciphertext, webhooks.client_certificate_ciphertext, webhooks.secret_ciphertext, webhooks.previous_secret_ciphertext
FROM webhooks
WHERE webhooks.id > $1::VARCHAR COLLATE "C" AND (webhooks.custom_headers_ciphertext IS NOT NULL OR webhooks.authorization_ciphertext IS NOT NULL OR webhooks.client_certificate_ciphertext IS NOT NULL OR webhooks.secret_ciphertext IS NOT NULL OR webhooks.previous_secret_ciphertext IS NOT NULL) ORDER BY webhooks.id
 LIMIT $2::INTEGER FOR UPDATE;
