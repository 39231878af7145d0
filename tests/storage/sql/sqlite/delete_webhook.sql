UPDATE webhooks SET active=?, secret_ciphertext=?, deleted_at=? WHERE webhooks.account_id = ? AND webhooks.id = ?;
