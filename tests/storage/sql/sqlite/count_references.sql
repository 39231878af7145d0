SELECT count(*) AS count_1
FROM (SELECT 1
FROM runs
WHERE runs.job_id = ?
 LIMIT ? OFFSET ?) AS anon_1;

SELECT count(*) AS count_1
FROM (SELECT 1
FROM interests
WHERE interests.topic = ?
 LIMIT ? OFFSET ?) AS anon_1;

SELECT count(*) AS count_1
FROM (SELECT 1
FROM expectations
WHERE expectations.job_id = ?
 LIMIT ? OFFSET ?) AS anon_1;
