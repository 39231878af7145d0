UPDATE users SET name=?, password_hash=? WHERE users.id = ?;
