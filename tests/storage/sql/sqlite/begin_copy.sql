INSERT INTO copying (id, source, table_name, place) VALUES (?, ?, ?, ?);
