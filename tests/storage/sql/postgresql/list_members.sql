SELECT users.id, users.email, users.name, users.created_at, members.role, members.created_at AS joined_at
FROM users JOIN members ON members.user_id = users.id
WHERE members.account_id = $1::BIGINT ORDER BY members.created_at, members.user_id
 LIMIT $2::INTEGER OFFSET $3::INTEGER;
