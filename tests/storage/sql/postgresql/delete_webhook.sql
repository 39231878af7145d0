DELETE FROM interests WHERE interests.webhook_id = $1::VARCHAR COLLATE "C";

UPDATE webhooks SET active=$1::BOOLEAN, custom_headers_ciphertext=$2::BYTEA, secret_ciphertext=$3::BYTEA, previous_secret_ciphertext=$4::BYTEA, deleted_at=$5::BIGINT WHERE webhooks.account_id = $6::BIGINT AND webhooks.id = $7::VARCHAR COLLATE "C";
