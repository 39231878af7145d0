SELECT count(*) AS count_1
FROM (SELECT 1
FROM jobs
WHERE jobs.environment_id = ?
 LIMIT ? OFFSET ?) AS anon_1;
