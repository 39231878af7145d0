INSERT INTO tokens (account_id, name, permission_set, digest, created_by, created_at) VALUES (?, ?, ?, ?, ?, ?);
