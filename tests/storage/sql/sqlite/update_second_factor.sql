UPDATE second_factors SET confirmed_at=?, last_step=?, failures=?, failing_since=? WHERE second_factors.user_id = ?;
