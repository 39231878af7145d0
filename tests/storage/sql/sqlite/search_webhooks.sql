SELECT webhooks.id
FROM webhooks
WHERE webhooks.account_id = ? AND webhooks.deleted_at IS NULL AND ((lower(webhooks.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(webhooks.client_url) LIKE '%' || lower(?) || '%' ESCAPE '/')) ORDER BY webhooks.id
 LIMIT ? OFFSET ?;
