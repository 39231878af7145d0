DELETE FROM recovery_codes WHERE recovery_codes.user_id = $1::BIGINT AND recovery_codes.digest = $2::VARCHAR;
