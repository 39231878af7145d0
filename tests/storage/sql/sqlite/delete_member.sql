DELETE FROM members WHERE members.account_id = ? AND members.user_id = ?;
