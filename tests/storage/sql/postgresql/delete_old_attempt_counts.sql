WITH locked AS
(SELECT attempt_counts.webhook_id AS webhook_id, attempt_counts.hour AS hour
FROM attempt_counts
WHERE (attempt_counts.webhook_id, attempt_counts.hour) IN (SELECT attempt_counts.webhook_id, attempt_counts.hour
FROM attempt_counts
WHERE attempt_counts.ends_at < $1::BIGINT ORDER BY attempt_counts.ends_at
 LIMIT $2::INTEGER) ORDER BY attempt_counts.webhook_id, attempt_counts.hour FOR UPDATE OF attempt_counts)
 DELETE FROM attempt_counts WHERE (attempt_counts.webhook_id, attempt_counts.hour) IN (SELECT locked.webhook_id, locked.hour
FROM locked);
