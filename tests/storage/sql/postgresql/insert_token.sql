INSERT INTO tokens (account_id, name, permission_set, digest, created_by, created_at) VALUES ($1::BIGINT, $2::VARCHAR, $3::VARCHAR, $4::VARCHAR, $5::VARCHAR, $6::BIGINT) RETURNING tokens.id;
