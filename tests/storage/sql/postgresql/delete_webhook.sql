UPDATE webhooks SET active=$1::BOOLEAN, secret_ciphertext=$2::BYTEA, deleted_at=$3::BIGINT WHERE webhooks.account_id = $4::BIGINT AND webhooks.id = $5::VARCHAR COLLATE "C";
