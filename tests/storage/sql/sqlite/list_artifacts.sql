SELECT DISTINCT artifacts.name
FROM artifacts JOIN runs ON runs.id = artifacts.run_id
WHERE runs.account_id = ? AND runs.id = ? AND artifacts.is_whole = 1;
