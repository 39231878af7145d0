SELECT users.id, users.email, users.name, users.created_at
FROM users JOIN identities ON identities.user_id = users.id
WHERE identities.issuer = ? AND identities.subject = ?;
