SELECT webhooks.id, webhooks.client_url_ciphertext, webhooks.format_settings_ciphertext, webhooks.custom_headers_ciphertext, webhooks.authorization_ciphertext, webhooks.client_certificate_ciphertext, webhooks.secret_ciphertext, webhooks.previous_secret_ciphertext
FROM webhooks
WHERE webhooks.id > ? AND (webhooks.client_url_ciphertext IS NOT NULL OR webhooks.format_settings_ciphertext IS NOT NULL OR webhooks.custom_headers_ciphertext IS NOT NULL OR webhooks.authorization_ciphertext IS NOT NULL OR webhooks.client_certificate_ciphertext IS NOT NULL OR webhooks.secret_ciphertext IS NOT NULL OR webhooks.previous_secret_ciphertext IS NOT NULL) ORDER BY webhooks.id
 LIMIT ? OFFSET ?;
