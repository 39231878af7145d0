INSERT INTO accounts (id, identifier, name, default_payload_version, created_at) VALUES (?, ?, ?, ?, ?);
