UPDATE expectations SET missed_at=$1::BIGINT, missed_count=$2::INTEGER WHERE expectations.job_id = $3::BIGINT;
