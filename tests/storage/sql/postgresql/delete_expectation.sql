DELETE FROM expectations WHERE expectations.job_id = $1::BIGINT;
