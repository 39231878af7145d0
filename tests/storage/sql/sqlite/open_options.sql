SELECT webhooks.custom_headers_ciphertext
FROM webhooks
WHERE webhooks.account_id = ? AND webhooks.id = ?;
