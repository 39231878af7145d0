SELECT CAST(coalesce(sum(each.waiting), $1::INTEGER) AS BIGINT) AS waiting, CAST(coalesce(sum(each.due), $2::INTEGER) AS BIGINT) AS due, CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) - min(each.earliest) AS age
FROM (SELECT (SELECT count(*) AS count_1
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id) AS waiting, (SELECT count(*) AS count_2
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id AND deliveries.next_attempt_at <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)) AS due, (SELECT min(deliveries.next_attempt_at) AS min_1
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id) AS earliest
FROM webhooks
WHERE webhooks.account_id = $3::BIGINT) AS each;
