"""Logging: one line per event, to standard error; JSON unless that is a terminal."""

import logging
import sys

import structlog


def configure_logging(level: str, *, as_json: bool) -> None:
    """Set up logging for the whole process.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        as_json: whether to write JSON lines instead of text for people.
    """
    renderer = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # The default one prints local variables, tokens and secrets among them.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if as_json:
        shared.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Looked up for each line, since a program around us may replace standard error.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    # What libraries say of themselves matters only when something is wrong.
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s [%(levelname)s] %(message)s")
