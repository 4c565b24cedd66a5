"""Alembic migrations of the data directory's database, run when signaling starts."""
