WITH locked AS
(SELECT interests.topic AS topic, interests.webhook_id AS webhook_id
FROM interests
WHERE interests.webhook_id = $1::VARCHAR COLLATE "C" ORDER BY interests.topic, interests.webhook_id FOR UPDATE OF interests)
 DELETE FROM interests WHERE (interests.topic, interests.webhook_id) IN (SELECT locked.topic, locked.webhook_id
FROM locked);
