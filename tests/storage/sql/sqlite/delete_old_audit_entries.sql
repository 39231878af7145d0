DELETE FROM audit_entries WHERE audit_entries.id IN (SELECT audit_entries.id
FROM audit_entries
WHERE audit_entries.at < ? ORDER BY audit_entries.at
 LIMIT ? OFFSET ?);
