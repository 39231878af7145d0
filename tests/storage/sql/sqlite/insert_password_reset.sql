INSERT INTO password_resets (user_id, digest, created_at, expires_at) VALUES (?, ?, ?, ?);
