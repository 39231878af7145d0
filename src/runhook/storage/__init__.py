"""All SQL: one function per statement, the same on SQLite and on PostgreSQL.

Functions take a ``Transaction`` or a ``Reader`` of the store and never commit. Where the two
databases truly need different SQL, the two live under one name in ``_sqlite`` and ``_postgresql``.
"""
