SELECT count(*) AS count_1
FROM (SELECT 1
FROM runs
WHERE runs.job_id = $1::BIGINT
 LIMIT $2::INTEGER) AS anon_1;

SELECT count(*) AS count_1
FROM (SELECT 1
FROM interests
WHERE interests.topic = $1::VARCHAR
 LIMIT $2::INTEGER) AS anon_1;

SELECT count(*) AS count_1
FROM (SELECT 1
FROM expectations
WHERE expectations.job_id = $1::BIGINT
 LIMIT $2::INTEGER) AS anon_1;
