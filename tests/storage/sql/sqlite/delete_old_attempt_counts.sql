DELETE FROM attempt_counts WHERE (attempt_counts.webhook_id, attempt_counts.hour) IN (SELECT attempt_counts.webhook_id, attempt_counts.hour
FROM attempt_counts
WHERE attempt_counts.ends_at < ? ORDER BY attempt_counts.ends_at
 LIMIT ? OFFSET ?);
