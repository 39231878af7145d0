SELECT webhooks.id
FROM webhooks
WHERE webhooks.id IN (?) AND webhooks.active = 0 ORDER BY webhooks.id;
