SELECT consumers.webhook_id, consumers.account_id, consumers.name, consumers.read_at, consumers.was_read, consumers.reader_number, consumers.missed_count, consumers.missed_until, webhooks.active, webhooks.deactivate_reason, consumers.read_at < CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT OR NOT consumers.was_read AS is_news, (SELECT count(*) AS count_1
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id
 LIMIT 10000) AS "some") AS waiting, (SELECT min(deliveries.next_attempt_at) AS min_1
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id) AS waiting_since
FROM consumers JOIN webhooks ON webhooks.id = consumers.webhook_id
WHERE consumers.account_id = $2::BIGINT AND consumers.webhook_id IN ($3::VARCHAR COLLATE "C");
