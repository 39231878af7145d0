SELECT consumers.webhook_id, consumers.account_id, consumers.name, consumers.read_at, consumers.was_read, consumers.reader_number, consumers.missed_count, consumers.missed_until, webhooks.active, webhooks.deactivate_reason, consumers.read_at < CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT OR NOT consumers.was_read AS is_news
FROM consumers JOIN webhooks ON webhooks.id = consumers.webhook_id
WHERE consumers.read_at < CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $2::BIGINT AND webhooks.active ORDER BY consumers.read_at
 LIMIT $3::INTEGER;
