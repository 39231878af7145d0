DELETE FROM interests WHERE interests.webhook_id = $1::VARCHAR COLLATE "C";

INSERT INTO interests (topic, webhook_id) SELECT * FROM unnest($1::VARCHAR[], $2::VARCHAR[]);
