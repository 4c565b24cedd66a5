"""The node token: found in the settings, or made once and kept in the secrets folder."""

from __future__ import annotations

import os
import secrets

from config.settings import Settings


def node_token(settings: Settings) -> str:
    """The token that is set, or a fresh one, which is written (mode 0600) to be found next time.

    Raises:
        OSError: the secrets folder cannot be written.
    """
    if settings.node_token is not None:
        return settings.node_token.get_secret_value()
    settings.secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = settings.secrets / "node_token"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        # the process that was started beside us has just made it
        return path.read_text(encoding="utf-8").strip()
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(token + "\n")
    return token
