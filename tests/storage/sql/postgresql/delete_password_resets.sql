DELETE FROM password_resets WHERE password_resets.user_id = $1::BIGINT;
