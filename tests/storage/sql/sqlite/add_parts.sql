INSERT INTO artifact_parts (artifact_id, number, content) VALUES (?, ?, ?);
