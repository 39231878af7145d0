INSERT INTO members (account_id, user_id, role, created_at) VALUES ($1::BIGINT, $2::BIGINT, $3::VARCHAR, $4::BIGINT) ON CONFLICT DO NOTHING;
