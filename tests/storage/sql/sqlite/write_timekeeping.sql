INSERT INTO timekeeping (id, seen_at, trusted_at, doubted_since, is_settled) VALUES (?, ?, ?, ?, ?);
