DELETE FROM runs WHERE runs.id IN (?) AND (SELECT artifacts.name
FROM artifacts
WHERE artifacts.run_id = runs.id
 LIMIT 1 OFFSET ?) IS NULL;
