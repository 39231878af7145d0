UPDATE webhooks SET headers_ciphertext=?, secret_ciphertext=?, previous_secret_ciphertext=? WHERE webhooks.id = ?;
