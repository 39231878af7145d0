DELETE FROM interests WHERE interests.webhook_id = ?;

INSERT INTO interests (topic, webhook_id) SELECT added.topic, added.webhook_id
FROM (SELECT json_extract(anon_1.value, '$[0]') AS topic, json_extract(anon_1.value, '$[1]') AS webhook_id
FROM json_each(?) AS anon_1) AS added
WHERE 1 = 1;
