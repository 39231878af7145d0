SELECT count(*) AS count_1
FROM members
WHERE members.account_id = ? AND members.role = ?;
