SELECT events.type, events.sequence, events.occurred_at
FROM events
WHERE events.run_id = ? ORDER BY events.sequence;
