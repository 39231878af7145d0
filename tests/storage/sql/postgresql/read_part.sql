SELECT artifact_parts.content
FROM artifact_parts
WHERE artifact_parts.artifact_id = $1::BIGINT AND artifact_parts.number = $2::INTEGER;
