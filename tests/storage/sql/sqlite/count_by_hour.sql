SELECT attempt_counts.webhook_id, attempt_counts.hour, attempt_counts.succeeded, attempt_counts.failed
FROM attempt_counts
WHERE attempt_counts.account_id = ? AND attempt_counts.webhook_id IN (?) AND attempt_counts.hour >= ?;
