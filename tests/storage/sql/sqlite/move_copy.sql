INSERT INTO copying (id, source, table_name, place) VALUES (?, ?, ?, ?);

UPDATE copying SET table_name=?, place=? WHERE copying.id = ? AND copying.table_name IS ? AND copying.place = ?;
