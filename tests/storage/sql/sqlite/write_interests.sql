DELETE FROM interests WHERE interests.webhook_id = ?;

INSERT INTO interests (topic, webhook_id) VALUES (?, ?), (?, ?), (?, ?), (?, ?), (?, ?), (?, ?);
