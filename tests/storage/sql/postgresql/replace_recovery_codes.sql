DELETE FROM recovery_codes WHERE recovery_codes.user_id = $1::BIGINT;

INSERT INTO recovery_codes (user_id, digest) VALUES ($1::BIGINT, $2::VARCHAR) RETURNING recovery_codes.id;
