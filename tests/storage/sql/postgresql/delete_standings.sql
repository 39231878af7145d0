WITH locked AS
(SELECT standings.webhook_id AS webhook_id, standings.job_id AS job_id
FROM standings
WHERE standings.webhook_id = $1::VARCHAR COLLATE "C" ORDER BY standings.webhook_id, standings.job_id FOR UPDATE OF standings)
 DELETE FROM standings WHERE (standings.webhook_id, standings.job_id) IN (SELECT locked.webhook_id, locked.job_id
FROM locked);
