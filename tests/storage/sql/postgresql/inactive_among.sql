SELECT webhooks.id
FROM webhooks
WHERE webhooks.id IN ($1::VARCHAR COLLATE "C") AND NOT webhooks.active ORDER BY webhooks.id;
