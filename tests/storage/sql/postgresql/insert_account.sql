INSERT INTO accounts (id, identifier, name, default_payload_version, created_at) VALUES ($1::BIGINT, $2::VARCHAR, $3::VARCHAR, $4::VARCHAR, $5::BIGINT);
