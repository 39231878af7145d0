UPDATE webhooks SET paused_until=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE (webhooks.id, webhooks.paused_until) IN (($1, $2));
