INSERT INTO events (run_id, sequence, type, occurred_at) SELECT * FROM unnest($1::BIGINT[], $2::INTEGER[], $3::VARCHAR[], $4::BIGINT[]);
