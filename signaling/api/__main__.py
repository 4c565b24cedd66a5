"""``python -m signaling.api`` writes ``docs/openapi.json`` anew."""

from __future__ import annotations

from pathlib import Path

from signaling.api.description import as_text, document
from signaling.api.table import ROUTES

OPENAPI_PATH = Path("docs/openapi.json")

if __name__ == "__main__":
    path = Path(__file__).resolve().parents[2] / OPENAPI_PATH
    path.write_text(as_text(document(ROUTES)), encoding="utf-8")
    print(path)
