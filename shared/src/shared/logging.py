"""Logs are events: a constant dotted name and facts in fields, one JSON object a line on stderr.

Never a name, an address, a phone, a text or a token (R-D3). A terminal gets colours instead.
"""

import logging
import sys
import traceback

import structlog

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
# Libraries whose INFO lines carry URLs, addresses or texts.
_QUIET = ("uvicorn.access", "httpx", "httpcore", "urllib3", "smsaero", "mail.log", "aiokafka", "asyncio")


def places(error: BaseException) -> str:
    """An exception as its kind and the lines it came through, and what it came from. Its message stays
    out: a database's quotes the row it refuses."""
    told = [*traceback.format_tb(error.__traceback__), f"{type(error).__module__}.{type(error).__qualname__}"]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return (f"{places(cause)}\n\n" if cause is not None else "") + "".join(told)


def _without_words(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = places(error)
    return event


def configure(level: str) -> None:
    """Once per process, before anything logs."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_words,
    ]
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                last,
            ],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(level=_LEVELS[level], handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Its DEBUG lines hold the gateway's URL with the key in it.
    logging.getLogger("smsaero").setLevel(logging.ERROR)
