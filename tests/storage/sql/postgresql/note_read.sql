UPDATE consumers SET read_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT), was_read=true WHERE consumers.webhook_id = $1::VARCHAR COLLATE "C";
