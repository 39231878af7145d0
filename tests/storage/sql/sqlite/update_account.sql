UPDATE accounts SET name=?, default_payload_version=? WHERE accounts.id = ?;
