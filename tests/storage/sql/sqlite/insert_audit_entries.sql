INSERT INTO audit_entries (account_id, at, actor_kind, actor_id, actor_name, address, action, subject_id, "before", "after") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
