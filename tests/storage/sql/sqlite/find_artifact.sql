SELECT artifacts.id, artifacts.size
FROM artifacts JOIN runs ON runs.id = artifacts.run_id
WHERE runs.account_id = ? AND runs.id = ? AND artifacts.name = ? AND artifacts.is_whole = 1 ORDER BY artifacts.step DESC
 LIMIT ? OFFSET ?;
