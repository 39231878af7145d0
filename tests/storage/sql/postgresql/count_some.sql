SELECT count(*) AS count_1
FROM (SELECT 1
FROM jobs
WHERE jobs.environment_id = $1::BIGINT
 LIMIT $2::INTEGER) AS anon_1;
