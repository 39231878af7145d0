SELECT artifacts.part, artifacts.size, artifacts.content
FROM artifacts JOIN runs ON runs.id = artifacts.run_id
WHERE runs.account_id = ? AND runs.id = ? AND artifacts.name = ? ORDER BY artifacts.part;
