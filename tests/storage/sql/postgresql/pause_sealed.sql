UPDATE webhooks SET paused_until=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT) WHERE webhooks.id IN ($2::VARCHAR COLLATE "C");
