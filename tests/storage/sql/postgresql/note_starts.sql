WITH found AS
(SELECT expectations.job_id AS job_id
FROM expectations
WHERE expectations.job_id IN ($2::BIGINT) ORDER BY expectations.job_id FOR UPDATE)
 UPDATE expectations SET missed_at=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + expectations.every + expectations.grace), missed_count=$1::INTEGER WHERE expectations.job_id IN (SELECT found.job_id
FROM found);
