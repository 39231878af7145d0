SELECT EXISTS (SELECT users.id
FROM users) AS anon_1;
