"""A server in a process of its own, for a test to kill: ``python -m tests.signaling.child``.

Prints one JSON line when it answers, and runs until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from signaling.options import Options
from signaling.server import Server
from tests.signaling.conftest import TEMPLATE
from tests.signaling.stage import NODE_TOKEN


async def main(data_dir: Path, port: int) -> None:
    """Run."""
    server = Server(
        Options(data_dir, (NODE_TOKEN,), {"small": TEMPLATE}, port=port, default_template="small")
    )
    await server.start()
    conference = server.conferences()[0].conference
    links = {link.site: link.url for link in await server.site_links(conference)}
    told = {
        "url": server.local_url,
        "conference": conference,
        "operator": await server.mint_sign_in("operator"),
        "links": links,
    }
    print(json.dumps(told), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
