WITH open_gate AS
(SELECT webhooks.id AS id
FROM webhooks
WHERE webhooks.id IN (SELECT turns.webhook_id
FROM (SELECT json_extract(anon_1.value, '$[0]') AS webhook_id, json_extract(anon_1.value, '$[1]') AS due_at, json_extract(anon_1.value, '$[2]') AS cost
FROM json_each(?) AS anon_1) AS turns) AND webhooks.active = 1 AND (webhooks.paused_until IS NULL OR webhooks.paused_until <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) AND (webhooks.next_request_at IS NULL OR webhooks.next_request_at <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) ORDER BY webhooks.id)
 UPDATE webhooks SET next_request_at=CASE WHEN (webhooks.rate_limit IS NOT NULL) THEN CASE WHEN (webhooks.next_request_at > CASE WHEN (turns.due_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) THEN turns.due_at ELSE CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ? END) THEN webhooks.next_request_at ELSE CASE WHEN (turns.due_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) THEN turns.due_at ELSE CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ? END END + turns.cost END, paused_until=CASE WHEN (webhooks.paused_until IS NOT NULL) THEN CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ? END FROM (SELECT json_extract(anon_1.value, '$[0]') AS webhook_id, json_extract(anon_1.value, '$[1]') AS due_at, json_extract(anon_1.value, '$[2]') AS cost
FROM json_each(?) AS anon_1) AS turns WHERE webhooks.id = turns.webhook_id AND webhooks.id IN (SELECT open_gate.id
FROM open_gate) RETURNING id, paused_until;
