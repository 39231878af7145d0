DELETE FROM second_factors WHERE second_factors.user_id = ?;

INSERT INTO second_factors (user_id, sealed, created_at, confirmed_at, last_step, failures, failing_since) VALUES (?, ?, ?, ?, ?, ?, ?);
