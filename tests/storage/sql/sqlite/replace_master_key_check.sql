DELETE FROM master_key_checks WHERE master_key_checks.id = ?;

INSERT INTO master_key_checks (id, ciphertext) VALUES (?, ?);
