INSERT INTO artifact_parts (artifact_id, number, content) VALUES ($1::BIGINT, $2::INTEGER, $3::BYTEA);
