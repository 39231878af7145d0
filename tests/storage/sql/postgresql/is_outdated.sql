SELECT standings.latest_id
FROM standings
WHERE standings.webhook_id = $1::VARCHAR COLLATE "C" AND standings.job_id = $2::BIGINT;
