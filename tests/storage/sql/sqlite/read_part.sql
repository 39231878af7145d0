SELECT artifact_parts.content
FROM artifact_parts
WHERE artifact_parts.artifact_id = ? AND artifact_parts.number = ?;
