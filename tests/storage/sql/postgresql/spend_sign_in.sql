INSERT INTO spent_sign_ins (digest, expires_at) VALUES ($1::VARCHAR, $2::BIGINT) ON CONFLICT DO NOTHING RETURNING spent_sign_ins.id;
