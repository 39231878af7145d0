SELECT webhooks.id
FROM webhooks
WHERE webhooks.account_id = $1::BIGINT AND webhooks.deleted_at IS NULL AND ((webhooks.name ILIKE '%' || $2::VARCHAR || '%' ESCAPE '/') OR (webhooks.client_url ILIKE '%' || $3::VARCHAR || '%' ESCAPE '/')) ORDER BY webhooks.id
 LIMIT $4::INTEGER;
