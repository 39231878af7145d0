WITH locked AS
(SELECT artifacts.id AS id
FROM artifacts
WHERE artifacts.run_id IN ($2::BIGINT) AND artifacts.is_whole ORDER BY artifacts.id FOR NO KEY UPDATE OF artifacts)
 UPDATE artifacts SET is_whole=$1::BOOLEAN, touched_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE artifacts.id IN (SELECT locked.id
FROM locked);

SELECT artifacts.id
FROM artifacts
WHERE artifacts.run_id IN ($1::BIGINT);

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
