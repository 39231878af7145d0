UPDATE members SET role=$1::VARCHAR WHERE members.account_id = $2::BIGINT AND members.user_id = $3::BIGINT;
