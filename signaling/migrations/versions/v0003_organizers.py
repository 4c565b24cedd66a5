"""Accounts may belong to one organizer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """The accounts that there are go on to reach every organizer's conferences."""
    with op.batch_alter_table("accounts") as accounts:
        accounts.add_column(sa.Column("organizer", sa.String))
