"""``diemcau``: the commands, each in a file of its own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

import typer

HELP = {
    "up": "Start everything on this machine and print where to sign in.",
    "signaling": "Run the control plane and the monitor.",
    "bridge": "Run a bridge node, which forwards all media.",
    "worker": "Run a media worker, which records.",
    "link": "Print the site links of a conference.",
    "sign-in": "Print a one-time sign-in link.",
    "user": "Add and manage accounts that sign in with a password.",
    "doctor": "Check this machine, and say what to do.",
    "drill": "Rehearse a whole conference with synthetic sites.",
    "agent": "Join as a site without a browser.",
}
"""Every command; its file is ``cli/{name}.py`` and its function is `command`."""


def build(chosen: str | None) -> typer.Typer:
    """The application. Of the commands only the `chosen` one is imported with all that it needs,
    so that a bridge node does not carry the control plane in its memory."""
    app = typer.Typer(
        name="diemcau",
        help="One central room, many remote sites, one routing matrix.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_nothing)
    for name, help_text in HELP.items():
        function = _command(name) if name == chosen else _nothing
        app.command(name, help=help_text if name != chosen else None)(function)
    return app


def _command(name: str) -> Callable[..., None]:
    function: Callable[..., None] = importlib.import_module(f"cli.{name.replace('-', '_')}").command
    return function


def _nothing() -> None:
    """One central room, many remote sites, one routing matrix."""


def main() -> None:
    """Run the command that the arguments name."""
    build(next((argument for argument in sys.argv[1:] if argument in HELP), None))()


if __name__ == "__main__":
    main()
