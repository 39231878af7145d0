SELECT deliveries.run_id, deliveries.job_id, deliveries.webhook_id, webhooks.name AS webhook_name, deliveries.state
FROM deliveries JOIN webhooks ON webhooks.id = deliveries.webhook_id
WHERE deliveries.account_id + ? = ? AND deliveries.run_id IN (?) AND deliveries.event_type IN (?, ?) ORDER BY deliveries.run_id, deliveries.webhook_id, deliveries.event_sequence
 LIMIT ? OFFSET ?;
