WITH locked AS
(SELECT audit_entries.id AS id
FROM audit_entries
WHERE audit_entries.id IN (SELECT audit_entries.id
FROM audit_entries
WHERE audit_entries.at < $1::BIGINT ORDER BY audit_entries.at
 LIMIT $2::INTEGER) ORDER BY audit_entries.id FOR UPDATE OF audit_entries)
 DELETE FROM audit_entries WHERE audit_entries.id IN (SELECT locked.id
FROM locked);
