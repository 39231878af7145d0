UPDATE webhooks SET header_names=$1::JSON, headers_ciphertext=$2::BYTEA WHERE webhooks.account_id = $3::BIGINT AND webhooks.id = $4::VARCHAR COLLATE "C";
