INSERT INTO consumers (webhook_id, account_id, name, read_at) VALUES ($1::VARCHAR COLLATE "C", $2::BIGINT, $3::VARCHAR, CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT));
