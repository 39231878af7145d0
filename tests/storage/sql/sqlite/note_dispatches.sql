UPDATE webhooks SET http_status_code=?, dispatched_at=?, failing_since=?, consecutive_failures=?, failed_probes=?, paused_until=?, held_up_since=?, held_up_by=? WHERE webhooks.id = ?;
