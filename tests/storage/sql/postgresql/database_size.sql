SELECT pg_database_size(current_database()) AS pg_database_size_1;
