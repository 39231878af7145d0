WITH RECURSIVE lane(webhook_id) AS
(SELECT (SELECT deliveries.webhook_id
FROM deliveries
WHERE deliveries.state = 'pending' ORDER BY deliveries.webhook_id, deliveries.next_attempt_at
 LIMIT 1) AS webhook_id UNION ALL SELECT (SELECT deliveries.webhook_id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id > lane.webhook_id ORDER BY deliveries.webhook_id, deliveries.next_attempt_at
 LIMIT 1) AS anon_1
FROM lane
WHERE lane.webhook_id IS NOT NULL)
 SELECT webhooks.id, webhooks.account_id, (SELECT min(deliveries.next_attempt_at) AS min_1
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = lane.webhook_id) AS due_at, webhooks.paused_until, webhooks.rate_limit, webhooks.next_request_at, webhooks.format IN ('email') AS sends_mail, CASE WHEN (webhooks.format IN ('email')) THEN (SELECT mail_pause.paused_until
FROM mail_pause) END AS mail_paused_until, CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) AS now
FROM lane JOIN webhooks ON webhooks.id = coalesce(lane.webhook_id, '') AND webhooks.active AND NOT webhooks.is_consumed;
