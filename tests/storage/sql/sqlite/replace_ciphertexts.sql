UPDATE webhooks SET custom_headers_ciphertext=?, authorization_ciphertext=?, client_certificate_ciphertext=?, secret_ciphertext=?, previous_secret_ciphertext=? WHERE webhooks.id = ?;
