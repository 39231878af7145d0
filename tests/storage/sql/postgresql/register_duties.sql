INSERT INTO duties (name, holder, held_until) VALUES ($1::VARCHAR, $2::VARCHAR, $3::BIGINT) ON CONFLICT DO NOTHING;
