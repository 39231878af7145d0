UPDATE users SET name=$1::VARCHAR, password_hash=$2::VARCHAR WHERE users.id = $3::BIGINT;
