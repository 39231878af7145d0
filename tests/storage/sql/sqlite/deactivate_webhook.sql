UPDATE webhooks SET active=?, deactivated_by=?, deactivate_reason=?, updated_at=? WHERE webhooks.id = ? AND webhooks.active = 1;
