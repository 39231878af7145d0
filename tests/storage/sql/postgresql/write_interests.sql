WITH locked AS
(SELECT interests.topic AS topic, interests.webhook_id AS webhook_id
FROM interests
WHERE interests.webhook_id = $1::VARCHAR COLLATE "C" ORDER BY interests.topic, interests.webhook_id FOR UPDATE)
 DELETE FROM interests WHERE (interests.topic, interests.webhook_id) IN (SELECT locked.topic, locked.webhook_id
FROM locked);

INSERT INTO interests (topic, webhook_id) SELECT * FROM unnest($1::VARCHAR[], $2::VARCHAR[]);
