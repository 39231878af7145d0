DELETE FROM runs WHERE runs.id IN ($1::BIGINT) AND (SELECT artifacts.name
FROM artifacts
WHERE artifacts.run_id = runs.id
 LIMIT 1) IS NULL;
