INSERT INTO identities (issuer, subject, user_id, created_at) VALUES ($1::VARCHAR, $2::VARCHAR, $3::BIGINT, $4::BIGINT) ON CONFLICT DO NOTHING;
