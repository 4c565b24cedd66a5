"""Tokens of nodes and workers: found in the settings, or made once and kept in a folder."""

from __future__ import annotations

import os
import secrets

from pydantic import SecretStr

from config.settings import Settings


def node_token(settings: Settings) -> str:
    """What bridge nodes prove themselves with: as set, or a fresh one, which is written (mode
    0600) to be found next time.

    Raises:
        OSError: the secrets folder cannot be written.
    """
    return _token(settings, "node_token", settings.node_token)


def worker_token(settings: Settings) -> str:
    """As `node_token`, for media workers."""
    return _token(settings, "worker_token", settings.worker_token)


def _token(settings: Settings, name: str, found: SecretStr | None) -> str:
    if found is not None:
        return found.get_secret_value()
    settings.secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = settings.secrets / name
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        # the process that was started beside us has just made it
        return path.read_text(encoding="utf-8").strip()
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(token + "\n")
    return token
