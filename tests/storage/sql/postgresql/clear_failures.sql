DELETE FROM job_failures WHERE job_failures.job_id IN ($1::BIGINT);
