SELECT artifacts.id, artifacts.size
FROM artifacts JOIN runs ON runs.id = artifacts.run_id
WHERE runs.account_id = $1::BIGINT AND runs.id = $2::BIGINT AND artifacts.name = $3::VARCHAR AND artifacts.is_whole ORDER BY artifacts.step DESC
 LIMIT $4::INTEGER;
