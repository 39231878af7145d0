WITH RECURSIVE lane(webhook_id) AS
(SELECT (SELECT deliveries.webhook_id
FROM deliveries
WHERE deliveries.state = 'pending' ORDER BY deliveries.webhook_id, deliveries.next_attempt_at
 LIMIT 1 OFFSET ?) AS webhook_id UNION ALL SELECT (SELECT deliveries.webhook_id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id > lane.webhook_id ORDER BY deliveries.webhook_id, deliveries.next_attempt_at
 LIMIT 1 OFFSET ?) AS anon_1
FROM lane
WHERE lane.webhook_id IS NOT NULL)
 SELECT webhooks.id, webhooks.account_id, (SELECT min(deliveries.next_attempt_at) AS min_1
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = lane.webhook_id) AS due_at, webhooks.paused_until, webhooks.rate_limit, webhooks.next_request_at, webhooks.format IN ('email') AS sends_mail, CASE WHEN (webhooks.format IN ('email')) THEN (SELECT mail_pause.paused_until
FROM mail_pause) END AS mail_paused_until, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 AS now
FROM lane JOIN webhooks ON webhooks.id = coalesce(lane.webhook_id, '') AND webhooks.active = 1 AND webhooks.is_consumed = 0;
