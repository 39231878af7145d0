SELECT audit_entries.id, audit_entries.account_id, audit_entries.at, audit_entries.actor_kind, audit_entries.actor_id, audit_entries.actor_name, audit_entries.address, audit_entries.action, audit_entries.subject_id, audit_entries."before", audit_entries."after"
FROM audit_entries
WHERE audit_entries.account_id = ? AND audit_entries.action = ? AND audit_entries.actor_name = ? AND audit_entries.subject_id = ? AND audit_entries.at >= ? AND audit_entries.at < ? ORDER BY audit_entries.id DESC
 LIMIT ? OFFSET ?;
