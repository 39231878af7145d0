DELETE FROM second_factors WHERE second_factors.user_id = $1::BIGINT;

INSERT INTO second_factors (user_id, sealed, created_at, confirmed_at, last_step, failures, failing_since) VALUES ($1::BIGINT, $2::BYTEA, $3::BIGINT, $4::BIGINT, $5::BIGINT, $6::INTEGER, $7::BIGINT);
