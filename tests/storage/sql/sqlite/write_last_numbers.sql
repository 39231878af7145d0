DELETE FROM sqlite_sequence WHERE sqlite_sequence.name = ?;

INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?);
