SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT pg_sequences.last_value
FROM pg_sequences
WHERE format($1::VARCHAR, pg_sequences.schemaname, pg_sequences.sequencename) = pg_get_serial_sequence($2::VARCHAR, $3::VARCHAR);

SELECT max(accounts.id) AS max_1
FROM accounts;

SELECT max(spent_sign_ins.id) AS max_1
FROM spent_sign_ins;

SELECT max(users.id) AS max_1
FROM users;

SELECT max(audit_entries.id) AS max_1
FROM audit_entries;

SELECT max(invitations.id) AS max_1
FROM invitations;

SELECT max(password_resets.id) AS max_1
FROM password_resets;

SELECT max(projects.id) AS max_1
FROM projects;

SELECT max(sessions.id) AS max_1
FROM sessions;

SELECT max(tokens.id) AS max_1
FROM tokens;

SELECT max(upload_places.id) AS max_1
FROM upload_places;

SELECT max(environments.id) AS max_1
FROM environments;

SELECT max(jobs.id) AS max_1
FROM jobs;

SELECT max(runs.id) AS max_1
FROM runs;

SELECT max(artifacts.id) AS max_1
FROM artifacts;
