INSERT INTO password_resets (user_id, digest, created_at, expires_at) VALUES ($1::BIGINT, $2::VARCHAR, $3::BIGINT, $4::BIGINT) RETURNING password_resets.id;
