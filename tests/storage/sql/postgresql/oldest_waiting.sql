SELECT CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) - deliveries.created_at AS anon_1
FROM deliveries
WHERE deliveries.id = (SELECT min((SELECT min("some".id) AS min_2
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id ORDER BY deliveries.next_attempt_at
 LIMIT 10000) AS "some")) AS min_1
FROM webhooks
WHERE webhooks.account_id = $1::BIGINT AND NOT webhooks.is_consumed);
