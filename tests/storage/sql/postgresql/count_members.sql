SELECT count(*) AS count_1
FROM members
WHERE members.account_id = $1::BIGINT AND members.role = $2::VARCHAR;
