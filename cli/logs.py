"""How log lines look and where they go: standard error; standard output is for answers."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog

from config.settings import LogSettings


def configure_logs(settings: LogSettings, process: str, stream: TextIO | None = None) -> None:
    """Set up structlog for this process, whose name stands in every line.

    People on a terminal get text, everything else JSON, unless `settings` say otherwise. Other
    libraries' lines come through the standard library at ``warning`` and above.
    """
    out = stream or sys.stderr
    text = settings.form == "text" or (settings.form == "auto" and out.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=out.isatty())
        if text
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=not text),
        structlog.processors.StackInfoRenderer(),
    ]
    if not text:
        processors.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(
        level=logging.WARNING, stream=out, format=f"%(levelname)s {process} %(name)s %(message)s"
    )
