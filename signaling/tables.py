"""The tables, as SQLAlchemy Core sees them. Migrations build them; a test holds both equal."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
)

METADATA = MetaData()

events = Table(
    "events",
    METADATA,
    Column("conference", String, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("kind", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("epoch", Integer, nullable=False),
    PrimaryKeyConstraint("conference", "seq"),
)
"""The journal: `seq` from 1 without gaps; each row's `hash` binds the row before."""

commands = Table(
    "commands",
    METADATA,
    Column("conference", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("id", String, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("seq", Integer, nullable=False),
    PrimaryKeyConstraint("conference", "actor", "id"),
)
"""Accepted commands; `seq` is the journal's after it. Refusals are not stored."""

owners = Table(
    "owners",
    METADATA,
    Column("conference", String, primary_key=True),
    Column("epoch", Integer, nullable=False),
)
"""Who may append: the owner that raised the epoch last."""

links = Table(
    "links",
    METADATA,
    Column("jti", String, primary_key=True),
    Column("conference", String, nullable=False, index=True),
    Column("site", String, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("revoked_at", Float),
)
"""Site links that were issued; the link itself is signed, not stored."""

accounts = Table(
    "accounts",
    METADATA,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("password_hash", String),
    Column("disabled_at", Float),
    Column("organizer", String),
)
"""Who may sign in; without `password_hash` by one-time codes alone, without `organizer` for all."""

sign_in_codes = Table(
    "sign_in_codes",
    METADATA,
    Column("hash", LargeBinary, primary_key=True),
    Column("account", String, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("used_at", Float),
)
"""One-time codes, by their SHA-256."""

sign_ins = Table(
    "sign_ins",
    METADATA,
    Column("hash", LargeBinary, primary_key=True),
    Column("account", String, nullable=False, index=True),
    Column("expires_at", Float, nullable=False),
    Column("ended_at", Float),
)
"""Logins of accounts, by the SHA-256 of their cookie."""

keys = Table(
    "keys",
    METADATA,
    Column("kid", String, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
)
"""Keys that sign tokens; the newest signs, all verify."""
