UPDATE webhooks SET custom_headers_ciphertext=$1::BYTEA, secret_ciphertext=$2::BYTEA, previous_secret_ciphertext=$3::BYTEA WHERE webhooks.id = $4::VARCHAR COLLATE "C";
