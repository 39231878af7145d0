UPDATE webhooks SET http_status_code=?, dispatched_at=? WHERE webhooks.id = ?;
