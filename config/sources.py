"""Where settings come from: a TOML file, the environment, a folder of secrets.

Read here and not by pydantic-settings, because that skips variables that it does not know, stops at
the first value that it cannot decode, and repeats secrets in its errors.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.problems import Problem

PREFIX = "DIEMCAU_"
"""What environment variables of this service begin with; two underscores part section and key."""
CONFIG_VARIABLE = "DIEMCAU_CONFIG"
"""Names the TOML file when the command line does not."""


def from_toml(path: Path | None, problems: list[Problem]) -> dict[str, Any]:
    """A file's sections, nothing without a file."""
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        problems.append(Problem(f"file {path}", error.strerror or "cannot be read"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(Problem(f"file {path}", f"is not TOML: {error}"))
    return {}


def from_environment(
    environ: Mapping[str, str], known: Mapping[str, str], problems: list[Problem]
) -> dict[str, Any]:
    """Values of the `known` variables (name → dotted key); any other of ours is a problem."""
    found: dict[str, object] = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE:
            continue
        if name in known:
            found[known[name]] = environ[name]
        else:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(Problem(f"environment {name}", f"there is no such key{hint}"))
    return nested(found)


def secrets_folder(merged: Mapping[str, Any]) -> Path:
    """Where secrets lie, from values that nobody has checked yet."""
    chosen = merged.get("secrets_dir")
    if isinstance(chosen, str | Path):
        return Path(chosen)
    data_dir = merged.get("data_dir")
    return (Path(data_dir) if isinstance(data_dir, str | Path) else Path("data")) / "secrets"


def from_secrets(folder: Path, secret: frozenset[str], problems: list[Problem]) -> dict[str, Any]:
    """Secrets that lie in the folder; it need not exist, and other files there are not ours."""
    found: dict[str, object] = {}
    for key in sorted(secret):
        path = folder / key
        try:
            found[key] = path.read_text(encoding="utf-8").strip()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "is not UTF-8"
            problems.append(Problem(f"secret {path}", reason))
    return found


def nested(flat: Mapping[str, object]) -> dict[str, Any]:
    """Dotted keys as a tree."""
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        section, dot, name = key.rpartition(".")
        (tree.setdefault(section, {}) if dot else tree)[name] = value
    return tree


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both trees; where they disagree, `above` wins."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(under, dict) and isinstance(value, dict)
        merged[key] = merge(under, value) if both and isinstance(under, dict) else value
    return merged
