INSERT INTO job_failures (job_id, ids, is_whole) VALUES ($1::BIGINT, $2::JSON, $3::BOOLEAN) ON CONFLICT (job_id) DO UPDATE SET ids = excluded.ids, is_whole = excluded.is_whole;
