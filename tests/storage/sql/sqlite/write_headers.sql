UPDATE webhooks SET header_names=?, headers_ciphertext=? WHERE webhooks.account_id = ? AND webhooks.id = ?;
