SELECT events.type, events.sequence, events.occurred_at
FROM events
WHERE events.run_id = $1::BIGINT ORDER BY events.sequence;
