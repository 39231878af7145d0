SELECT audit_entries.id, audit_entries.account_id, audit_entries.at, audit_entries.actor_kind, audit_entries.actor_id, audit_entries.actor_name, audit_entries.address, audit_entries.action, audit_entries.subject_id, audit_entries.before, audit_entries.after
FROM audit_entries
WHERE audit_entries.account_id = $1::BIGINT AND audit_entries.action = $2::VARCHAR AND audit_entries.actor_name = $3::VARCHAR AND audit_entries.subject_id = $4::VARCHAR AND audit_entries.at >= $5::BIGINT AND audit_entries.at < $6::BIGINT ORDER BY audit_entries.id DESC
 LIMIT $7::INTEGER OFFSET $8::INTEGER;
