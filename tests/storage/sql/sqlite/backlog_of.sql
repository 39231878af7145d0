SELECT CAST(coalesce(sum("each".waiting), ?) AS BIGINT) AS waiting, CAST(coalesce(sum("each".due), ?) AS BIGINT) AS due, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 - min("each".earliest) AS age
FROM (SELECT (SELECT count(*) AS count_1
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id) AS waiting, (SELECT count(*) AS count_2
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id AND deliveries.next_attempt_at <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) AS due, (SELECT min(deliveries.next_attempt_at) AS min_1
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id) AS earliest
FROM webhooks
WHERE webhooks.account_id = ?) AS "each";
