UPDATE accounts SET name=$1::VARCHAR, default_payload_version=$2::VARCHAR WHERE accounts.id = $3::BIGINT;
