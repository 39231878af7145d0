INSERT INTO copying (id, source, table_name, place) VALUES ($1::SMALLINT, $2::VARCHAR, $3::VARCHAR, $4::VARCHAR);
