DELETE FROM master_key_checks;

INSERT INTO master_key_checks (id, ciphertext) VALUES (?, ?);
