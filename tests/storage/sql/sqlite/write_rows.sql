INSERT INTO events (run_id, sequence, type, occurred_at) VALUES (?, ?, ?, ?);
