"""Accounts get a password and can be disabled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Add both to the accounts that there are: without a password, not disabled."""
    with op.batch_alter_table("accounts") as accounts:
        accounts.add_column(sa.Column("password_hash", sa.String))
        accounts.add_column(sa.Column("disabled_at", sa.Float))
    op.create_index("ix_sign_ins_account", "sign_ins", ["account"])
