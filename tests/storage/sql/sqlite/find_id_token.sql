SELECT sessions.id_token
FROM sessions
WHERE sessions.id = ?;
