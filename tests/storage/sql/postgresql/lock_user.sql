SELECT users.id, users.email, users.name, users.password_hash, users.created_at
FROM users
WHERE users.id = $1::BIGINT FOR NO KEY UPDATE;
