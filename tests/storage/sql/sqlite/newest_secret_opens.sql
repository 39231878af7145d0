SELECT webhooks.secret_ciphertext
FROM webhooks
WHERE webhooks.secret_ciphertext IS NOT NULL ORDER BY webhooks.id DESC
 LIMIT ? OFFSET ?;
