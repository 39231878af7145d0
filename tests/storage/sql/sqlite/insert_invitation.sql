INSERT INTO invitations (account_id, email, role, digest, created_by, created_by_kind, created_by_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id;
