SELECT sessions.id_token
FROM sessions
WHERE sessions.id = $1::BIGINT;
