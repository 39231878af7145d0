SELECT artifacts.id
FROM artifacts;

DELETE FROM artifact_parts WHERE (artifact_parts.artifact_id, artifact_parts.number) IN (SELECT artifact_parts.artifact_id, artifact_parts.number
FROM artifact_parts
WHERE artifact_parts.artifact_id IN ($2::BIGINT)
 LIMIT $1::INTEGER);

DELETE FROM artifacts WHERE artifacts.id IN ($1::BIGINT) AND NOT (EXISTS (SELECT *
FROM artifact_parts
WHERE artifact_parts.artifact_id = artifacts.id));
