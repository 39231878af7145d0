UPDATE webhooks SET http_status_code=?, dispatched_at=?, failing_since=?, consecutive_failures=?, failed_probes=?, paused_until=? WHERE webhooks.id = ?;
