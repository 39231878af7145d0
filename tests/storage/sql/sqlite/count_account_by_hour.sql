SELECT attempt_counts.hour, CAST(sum(attempt_counts.succeeded) AS BIGINT) AS succeeded, CAST(sum(attempt_counts.failed) AS BIGINT) AS failed
FROM webhooks JOIN attempt_counts ON attempt_counts.webhook_id = webhooks.id
WHERE webhooks.account_id = ? AND webhooks.is_consumed = 0 AND attempt_counts.hour >= ? GROUP BY attempt_counts.hour ORDER BY attempt_counts.hour;
