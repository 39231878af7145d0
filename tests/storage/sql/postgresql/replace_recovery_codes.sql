WITH locked AS
(SELECT recovery_codes.user_id AS user_id, recovery_codes.digest AS digest
FROM recovery_codes
WHERE recovery_codes.user_id = $1::BIGINT ORDER BY recovery_codes.user_id, recovery_codes.digest FOR UPDATE OF recovery_codes)
 DELETE FROM recovery_codes WHERE (recovery_codes.user_id, recovery_codes.digest) IN (SELECT locked.user_id, locked.digest
FROM locked);

INSERT INTO recovery_codes (user_id, digest) VALUES ($1::BIGINT, $2::VARCHAR);
