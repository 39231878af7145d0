SELECT users.id, users.email, users.name, users.created_at
FROM users JOIN identities ON identities.user_id = users.id
WHERE identities.issuer = $1::VARCHAR AND identities.subject = $2::VARCHAR;
