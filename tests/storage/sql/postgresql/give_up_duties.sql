UPDATE duties SET held_until=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE duties.holder = $1::VARCHAR;
