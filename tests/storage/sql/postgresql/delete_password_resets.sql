WITH locked AS
(SELECT password_resets.id AS id
FROM password_resets
WHERE password_resets.user_id = $1::BIGINT ORDER BY password_resets.id FOR UPDATE OF password_resets)
 DELETE FROM password_resets WHERE password_resets.id IN (SELECT locked.id
FROM locked);
