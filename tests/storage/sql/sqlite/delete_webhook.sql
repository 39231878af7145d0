DELETE FROM interests WHERE interests.webhook_id = ?;

DELETE FROM consumers WHERE consumers.webhook_id = ?;

UPDATE webhooks SET client_url_ciphertext=?, active=?, format_settings_ciphertext=?, custom_headers_ciphertext=?, authorization_ciphertext=?, client_certificate_ciphertext=?, secret_ciphertext=?, previous_secret_ciphertext=?, deleted_at=? WHERE webhooks.account_id = ? AND webhooks.id = ?;
