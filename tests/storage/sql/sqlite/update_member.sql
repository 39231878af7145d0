UPDATE members SET role=? WHERE members.account_id = ? AND members.user_id = ?;
