INSERT INTO tokens (account_id, name, permission_set, digest, created_at) VALUES (?, ?, ?, ?, ?);
