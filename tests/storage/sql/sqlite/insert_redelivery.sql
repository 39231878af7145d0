INSERT INTO redeliveries (id, account_id, delivery_ids, since, until, states, webhook_id, event_types, job_id, run_id, code_class, fixed_at, is_counted, state, created_by, created_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO redelivery_shares (redelivery_id, webhook_id, total, queued, passed_over, place_created_at, place_delivery_id, next_step_at) VALUES (?, ?, ?, ?, ?, ?, ?, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000);
