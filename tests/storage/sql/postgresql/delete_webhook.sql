DELETE FROM interests WHERE interests.webhook_id = $1::VARCHAR COLLATE "C";

UPDATE webhooks SET active=$1::BOOLEAN, custom_headers_ciphertext=$2::BYTEA, authorization_ciphertext=$3::BYTEA, client_certificate_ciphertext=$4::BYTEA, secret_ciphertext=$5::BYTEA, previous_secret_ciphertext=$6::BYTEA, deleted_at=$7::BIGINT WHERE webhooks.account_id = $8::BIGINT AND webhooks.id = $9::VARCHAR COLLATE "C";
