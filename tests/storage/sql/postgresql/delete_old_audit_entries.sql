DELETE FROM audit_entries WHERE audit_entries.id IN (SELECT audit_entries.id
FROM audit_entries
WHERE audit_entries.at < $1::BIGINT ORDER BY audit_entries.at
 LIMIT $2::INTEGER);
