SELECT setval(pg_get_serial_sequence($1::VARCHAR, $2::VARCHAR), $3::INTEGER) AS setval_1;
