DELETE FROM members WHERE members.account_id = $1::BIGINT AND members.user_id = $2::BIGINT;
