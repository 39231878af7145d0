UPDATE artifacts SET is_whole=?, touched_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE artifacts.run_id IN (?) AND artifacts.is_whole = 1;

SELECT artifacts.id
FROM artifacts
WHERE artifacts.run_id IN (?);

DELETE FROM artifact_parts WHERE (artifact_parts.artifact_id, artifact_parts.number) IN (SELECT artifact_parts.artifact_id, artifact_parts.number
FROM artifact_parts
WHERE artifact_parts.artifact_id IN (?)
 LIMIT ? OFFSET ?);

DELETE FROM artifacts WHERE artifacts.id IN (?) AND NOT (EXISTS (SELECT *
FROM artifact_parts
WHERE artifact_parts.artifact_id = artifacts.id));
