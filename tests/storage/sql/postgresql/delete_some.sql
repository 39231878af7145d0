SELECT artifacts.id
FROM artifacts;

WITH locked AS
(SELECT artifact_parts.artifact_id AS artifact_id, artifact_parts.number AS number
FROM artifact_parts
WHERE (artifact_parts.artifact_id, artifact_parts.number) IN (SELECT artifact_parts.artifact_id, artifact_parts.number
FROM artifact_parts
WHERE artifact_parts.artifact_id IN ($2::BIGINT)
 LIMIT $1::INTEGER) ORDER BY artifact_parts.artifact_id, artifact_parts.number FOR UPDATE OF artifact_parts)
 DELETE FROM artifact_parts WHERE (artifact_parts.artifact_id, artifact_parts.number) IN (SELECT locked.artifact_id, locked.number
FROM locked);

WITH locked AS
(SELECT artifacts.id AS id
FROM artifacts
WHERE artifacts.id IN ($1::BIGINT) AND NOT (EXISTS (SELECT *
FROM artifact_parts
WHERE artifact_parts.artifact_id = artifacts.id)) ORDER BY artifacts.id FOR UPDATE OF artifacts)
 DELETE FROM artifacts WHERE artifacts.id IN (SELECT locked.id
FROM locked);
