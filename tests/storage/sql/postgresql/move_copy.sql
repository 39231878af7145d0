INSERT INTO copying (id, source, table_name, place) VALUES ($1::SMALLINT, $2::VARCHAR, $3::VARCHAR, $4::VARCHAR);

UPDATE copying SET table_name=$1::VARCHAR, place=$2::VARCHAR WHERE copying.id = $3::SMALLINT AND copying.table_name IS NOT DISTINCT FROM $4::VARCHAR AND copying.place = $5::VARCHAR;
