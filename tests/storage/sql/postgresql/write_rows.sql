INSERT INTO events (sequence, type, occurred_at, run_id) SELECT added.sequence, added.type, added.occurred_at, added.run_id
FROM unnest($1::INTEGER[], $2::TEXT[], $3::BIGINT[], $4::BIGINT[]) AS added(sequence, type, occurred_at, run_id)
WHERE true;
