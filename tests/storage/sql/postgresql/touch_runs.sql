UPDATE runs SET heartbeat_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE runs.id IN ($1::BIGINT);
