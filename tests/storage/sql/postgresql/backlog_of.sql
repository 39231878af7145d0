SELECT CAST(coalesce(sum(each.waiting), $1::INTEGER) AS BIGINT) AS waiting, CAST(coalesce(sum(each.due), $2::INTEGER) AS BIGINT) AS due, coalesce(max(each.waiting), $3::INTEGER) AS most, count(*) AS webhooks, CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) - min(each.earliest) AS age
FROM (SELECT (SELECT count(*) AS count_1
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id
 LIMIT 10000) AS "some") AS waiting, CASE WHEN (webhooks.active AND NOT webhooks.is_consumed AND webhooks.paused_until IS NULL) THEN (SELECT count(*) AS count_2
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id AND deliveries.next_attempt_at <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)
 LIMIT 10000) AS "some") ELSE $4::INTEGER END AS due, CASE WHEN (webhooks.active AND NOT webhooks.is_consumed AND webhooks.paused_until IS NULL) THEN (SELECT min(deliveries.next_attempt_at) AS min_1
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id) END AS earliest
FROM webhooks
WHERE webhooks.account_id = $5::BIGINT) AS each;
