SELECT webhooks.id
FROM webhooks
WHERE webhooks.account_id = $1::BIGINT AND (SELECT deliveries.id
FROM deliveries
WHERE deliveries.state IN ('failed', 'canceled', 'skipped') AND deliveries.webhook_id = webhooks.id AND deliveries.created_at >= $2::BIGINT AND deliveries.created_at < $3::BIGINT
 LIMIT 1) IS NOT NULL ORDER BY webhooks.id;
