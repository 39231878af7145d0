INSERT INTO sessions (user_id, digest, address, user_agent, created_at, last_seen_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id, address, user_agent, created_at, last_seen_at, expires_at;
