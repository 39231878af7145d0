SELECT webhooks.client_url_ciphertext
FROM webhooks
WHERE webhooks.account_id = ? AND webhooks.id = ?;
