SELECT deliveries.id, deliveries.created_at, deliveries.state IN (?, ?, ?) AND (deliveries.updated_at <= ? OR deliveries.updated_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) AND deliveries.is_test = 0 AND deliveries.event_type IN (?) AND deliveries.job_id = ? AND coalesce(deliveries.http_status_code, ?) >= ? AND coalesce(deliveries.http_status_code, ?) < ? AS is_chosen
FROM deliveries
WHERE deliveries.state IN ('failed', 'canceled', 'skipped') AND deliveries.account_id + ? = ? AND deliveries.webhook_id = ? AND deliveries.created_at >= ? AND deliveries.created_at < ? AND (deliveries.created_at, deliveries.id) > (?, ?) ORDER BY deliveries.created_at, deliveries.id
 LIMIT ? OFFSET ?;
