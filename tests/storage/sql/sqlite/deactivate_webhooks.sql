UPDATE webhooks SET active=?, deactivate_reason=?, updated_at=? WHERE webhooks.id IN (?) AND webhooks.active = 1;
