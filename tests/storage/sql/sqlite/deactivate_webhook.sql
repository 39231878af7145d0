UPDATE webhooks SET active=?, deactivate_reason=?, updated_at=? WHERE webhooks.id = ? AND webhooks.active = 1;
