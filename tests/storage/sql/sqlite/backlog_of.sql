SELECT CAST(coalesce(sum("each".waiting), ?) AS BIGINT) AS waiting, CAST(coalesce(sum("each".due), ?) AS BIGINT) AS due, coalesce(max("each".waiting), ?) AS most, count(*) AS webhooks, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 - min("each".earliest) AS age
FROM (SELECT (SELECT count(*) AS count_1
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id
 LIMIT 10000 OFFSET ?) AS some) AS waiting, CASE WHEN (webhooks.active = 1 AND webhooks.is_consumed = 0 AND webhooks.paused_until IS NULL) THEN (SELECT count(*) AS count_2
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id AND deliveries.next_attempt_at <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000
 LIMIT 10000 OFFSET ?) AS some) ELSE ? END AS due, CASE WHEN (webhooks.active = 1 AND webhooks.is_consumed = 0 AND webhooks.paused_until IS NULL) THEN (SELECT min(deliveries.next_attempt_at) AS min_1
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id) END AS earliest
FROM webhooks
WHERE webhooks.account_id = ?) AS "each";
