SELECT standings.latest_id
FROM standings
WHERE standings.webhook_id = ? AND standings.job_id = ?;
