DELETE FROM spent_sign_ins WHERE spent_sign_ins.id IN (SELECT spent_sign_ins.id
FROM spent_sign_ins
WHERE spent_sign_ins.expires_at < ? ORDER BY spent_sign_ins.expires_at
 LIMIT ? OFFSET ?);
