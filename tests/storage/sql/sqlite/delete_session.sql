DELETE FROM sessions WHERE sessions.user_id = ? AND sessions.id = ?;
