UPDATE webhooks SET name=?, description=?, client_url=?, event_types=?, job_ids=?, active=?, payload_version=?, deactivate_reason=?, updated_at=? WHERE webhooks.account_id = ? AND webhooks.id = ?;
