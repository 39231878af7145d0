SELECT count(*) AS count_1
FROM audit_entries
WHERE audit_entries.account_id = ? AND audit_entries.action = ? AND audit_entries.actor_name = ? AND audit_entries.subject_id = ? AND audit_entries.at >= ? AND audit_entries.at < ?;
