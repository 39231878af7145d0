INSERT INTO events (run_id, sequence, type, occurred_at) SELECT added.run_id, added.sequence, added.type, added.occurred_at
FROM unnest($1::BIGINT[], $2::INTEGER[], $3::TEXT[], $4::BIGINT[]) AS added(run_id, sequence, type, occurred_at)
WHERE true;
