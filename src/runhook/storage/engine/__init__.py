"""The database itself: connections, transactions, tables, column types, encryption."""
