INSERT INTO timekeeping (id, seen_at, trusted_at, doubted_since, is_settled) VALUES ($1::SMALLINT, $2::BIGINT, $3::BIGINT, $4::BIGINT, $5::BOOLEAN);
