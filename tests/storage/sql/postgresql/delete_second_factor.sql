DELETE FROM second_factors WHERE second_factors.user_id = $1::BIGINT;
