"""``python -m tests.fuzz TARGET [--seconds N]``: coverage-guided search from the corpus.

Needs atheris (``pip install atheris``). What it finds and keeps goes to a folder of its own; an
input that breaks something is written there too, and belongs into the corpus once it is mended.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz.targets import CORPUS, TARGETS

ROOMS = ["bridge", "signaling.wire"]


def main() -> None:
    """Search until the time is over or something breaks."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--found", type=Path, default=Path("data/fuzz"), help="where to keep finds")
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: pip install atheris")
    found = options.found / options.target
    found.mkdir(parents=True, exist_ok=True)
    target = TARGETS[options.target]
    atheris.instrument_all()
    flags = [f"-max_total_time={options.seconds}", "-max_len=16384", "-timeout=5"]
    flags += [f"-artifact_prefix={found}/broken-", str(found), str(CORPUS / options.target)]
    atheris.Setup([sys.argv[0], *flags], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
