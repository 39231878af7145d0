DELETE FROM master_key_checks WHERE master_key_checks.id = $1::SMALLINT;

INSERT INTO master_key_checks (id, ciphertext) VALUES ($1::SMALLINT, $2::BYTEA);
