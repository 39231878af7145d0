SELECT EXISTS (SELECT identities.subject
FROM identities
WHERE identities.user_id = ? AND identities.issuer = ?) AS anon_1;
