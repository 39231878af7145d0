SELECT sessions.id, sessions.method, sessions.address, sessions.user_agent, sessions.created_at, sessions.last_seen_at, sessions.expires_at, users.id AS user_id, users.email AS user_email, users.name AS user_name, users.created_at AS user_created_at, second_factors.confirmed_at, EXISTS (SELECT *
FROM identities
WHERE identities.user_id = sessions.user_id AND identities.issuer = $1::VARCHAR) AS is_known_to_provider
FROM sessions JOIN users ON users.id = sessions.user_id LEFT OUTER JOIN second_factors ON second_factors.user_id = users.id
WHERE sessions.digest = $2::VARCHAR AND sessions.expires_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT);
