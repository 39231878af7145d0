SELECT consumers.webhook_id, consumers.account_id, consumers.name, consumers.read_at, consumers.was_read, consumers.reader_number, consumers.missed_count, consumers.missed_until, webhooks.active, webhooks.deactivate_reason, consumers.read_at < CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ? OR consumers.was_read = 0 AS is_news, (SELECT count(*) AS count_1
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id
 LIMIT 10000 OFFSET ?) AS some) AS waiting, (SELECT min(deliveries.next_attempt_at) AS min_1
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id) AS waiting_since
FROM consumers JOIN webhooks ON webhooks.id = consumers.webhook_id
WHERE consumers.account_id = ? AND consumers.webhook_id IN (?);
