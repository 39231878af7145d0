SELECT second_factors.user_id, second_factors.sealed, second_factors.created_at, second_factors.confirmed_at, second_factors.last_step, second_factors.failures, second_factors.failing_since
FROM second_factors
WHERE second_factors.user_id = ?;
