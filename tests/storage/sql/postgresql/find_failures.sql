SELECT job_failures.job_id, job_failures.ids, job_failures.is_whole
FROM job_failures
WHERE job_failures.job_id IN ($1::BIGINT);
