SELECT deliveries.run_id, deliveries.job_id, deliveries.webhook_id, webhooks.name AS webhook_name, deliveries.state
FROM deliveries JOIN webhooks ON webhooks.id = deliveries.webhook_id
WHERE deliveries.account_id + ? = ? AND deliveries.event_type = 'job.run.missed' AND (deliveries.job_id = ? AND deliveries.created_at >= ? OR deliveries.job_id = ? AND deliveries.created_at >= ?) ORDER BY deliveries.job_id, deliveries.created_at
 LIMIT ? OFFSET ?;
