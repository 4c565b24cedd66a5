"""The first schema: journal, commands, owners, links, accounts, sign-ins, keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Create every table of the first version."""
    op.create_table(
        "events",
        sa.Column("conference", sa.String, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("prev_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("conference", "seq"),
    )
    op.create_table(
        "commands",
        sa.Column("conference", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("conference", "actor", "id"),
    )
    op.create_table(
        "owners",
        sa.Column("conference", sa.String, primary_key=True),
        sa.Column("epoch", sa.Integer, nullable=False),
    )
    op.create_table(
        "links",
        sa.Column("jti", sa.String, primary_key=True),
        sa.Column("conference", sa.String, nullable=False),
        sa.Column("site", sa.String, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("revoked_at", sa.Float),
    )
    op.create_index("ix_links_conference", "links", ["conference"])
    op.create_table(
        "accounts",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("role", sa.String, nullable=False),
    )
    op.create_table(
        "sign_in_codes",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("used_at", sa.Float),
    )
    op.create_table(
        "sign_ins",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float),
    )
    op.create_table(
        "keys",
        sa.Column("kid", sa.String, primary_key=True),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
