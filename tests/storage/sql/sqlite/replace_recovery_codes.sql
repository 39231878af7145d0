DELETE FROM recovery_codes WHERE recovery_codes.user_id = ?;

INSERT INTO recovery_codes (user_id, digest) VALUES (?, ?);
