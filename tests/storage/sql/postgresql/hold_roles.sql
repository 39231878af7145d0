SELECT members.account_id, members.user_id, members.role
FROM members
WHERE (members.account_id, members.user_id) IN (($1, $2)) ORDER BY members.account_id, members.user_id FOR SHARE;
