DELETE FROM master_key_checks;

INSERT INTO master_key_checks (id, ciphertext) VALUES ($1::SMALLINT, $2::BYTEA);
