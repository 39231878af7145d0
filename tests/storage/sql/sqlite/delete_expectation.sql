DELETE FROM expectations WHERE expectations.job_id = ?;
