SELECT looked_at.webhook_id, count(*) AS looked_at, count(CASE WHEN looked_at.is_chosen THEN ? END) AS chosen
FROM (SELECT deliveries.webhook_id AS webhook_id, deliveries.state IN (?, ?, ?) AND (deliveries.updated_at <= ? OR deliveries.updated_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) AND deliveries.is_test = 0 AND deliveries.event_type IN (?) AND deliveries.job_id = ? AND coalesce(deliveries.http_status_code, ?) >= ? AND coalesce(deliveries.http_status_code, ?) < ? AS is_chosen
FROM deliveries
WHERE deliveries.state IN ('failed', 'canceled', 'skipped') AND deliveries.account_id + ? = ? AND deliveries.run_id = ? AND deliveries.created_at >= ? AND deliveries.created_at < ?
 LIMIT ? OFFSET ?) AS looked_at GROUP BY looked_at.webhook_id;
