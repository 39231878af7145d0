INSERT INTO events (run_id, sequence, type, occurred_at) VALUES ($1::BIGINT, $2::INTEGER, $3::VARCHAR, $4::BIGINT);
