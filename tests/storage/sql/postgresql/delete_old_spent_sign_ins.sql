WITH locked AS
(SELECT spent_sign_ins.id AS id
FROM spent_sign_ins
WHERE spent_sign_ins.id IN (SELECT spent_sign_ins.id
FROM spent_sign_ins
WHERE spent_sign_ins.expires_at < $1::BIGINT ORDER BY spent_sign_ins.expires_at
 LIMIT $2::INTEGER) ORDER BY spent_sign_ins.id FOR UPDATE OF spent_sign_ins)
 DELETE FROM spent_sign_ins WHERE spent_sign_ins.id IN (SELECT locked.id
FROM locked);
