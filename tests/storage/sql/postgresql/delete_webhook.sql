WITH locked AS
(SELECT interests.topic AS topic, interests.webhook_id AS webhook_id
FROM interests
WHERE interests.webhook_id = $1::VARCHAR COLLATE "C" ORDER BY interests.topic, interests.webhook_id FOR UPDATE OF interests)
 DELETE FROM interests WHERE (interests.topic, interests.webhook_id) IN (SELECT locked.topic, locked.webhook_id
FROM locked);

DELETE FROM consumers WHERE consumers.webhook_id = $1::VARCHAR COLLATE "C";

UPDATE webhooks SET client_url_ciphertext=$1::BYTEA, active=$2::BOOLEAN, format_settings_ciphertext=$3::BYTEA, custom_headers_ciphertext=$4::BYTEA, authorization_ciphertext=$5::BYTEA, client_certificate_ciphertext=$6::BYTEA, secret_ciphertext=$7::BYTEA, previous_secret_ciphertext=$8::BYTEA, deleted_at=$9::BIGINT WHERE webhooks.account_id = $10::BIGINT AND webhooks.id = $11::VARCHAR COLLATE "C";
