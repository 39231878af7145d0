SELECT attempt_counts.webhook_id, attempt_counts.hour, attempt_counts.succeeded, attempt_counts.failed
FROM attempt_counts
WHERE attempt_counts.account_id = $1::BIGINT AND attempt_counts.webhook_id IN ($3::VARCHAR COLLATE "C") AND attempt_counts.hour >= $2::BIGINT;
