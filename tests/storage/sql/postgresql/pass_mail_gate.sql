WITH locked AS
(SELECT mail_pause.id AS id
FROM mail_pause
WHERE mail_pause.paused_until <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) ORDER BY mail_pause.id FOR NO KEY UPDATE OF mail_pause)
 UPDATE mail_pause SET paused_until=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT) WHERE mail_pause.id IN (SELECT locked.id
FROM locked);

SELECT mail_pause.id
FROM mail_pause;
