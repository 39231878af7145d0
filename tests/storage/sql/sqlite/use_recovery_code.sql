DELETE FROM recovery_codes WHERE recovery_codes.user_id = ? AND recovery_codes.digest = ?;
