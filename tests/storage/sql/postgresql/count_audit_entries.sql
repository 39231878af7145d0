SELECT count(*) AS count_1
FROM audit_entries
WHERE audit_entries.account_id = $1::BIGINT AND audit_entries.action = $2::VARCHAR AND audit_entries.actor_name = $3::VARCHAR AND audit_entries.subject_id = $4::VARCHAR AND audit_entries.at >= $5::BIGINT AND audit_entries.at < $6::BIGINT;
