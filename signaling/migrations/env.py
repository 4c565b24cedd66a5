"""Alembic's entry: migrates the connection that `signaling.database.migrate` passes in."""

from __future__ import annotations

from alembic import context

from signaling.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
