"""How does a long-running command log? Lines of its own only: no text from outside makes one, or
steers the terminal that shows them."""

from __future__ import annotations

import logging
import re

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
# controls and ends of lines, marks of direction
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def start_logging() -> None:
    """Log from INFO on to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine(FORMAT))
    logging.basicConfig(level="INFO", handlers=[handler])


class OneLine(logging.Formatter):
    """Messages as one line, what cannot be seen as its escape; a traceback below it as it is, since
    its lines are indented.

    >>> record = logging.LogRecord("a", 30, "", 0, "x%s", ("\\n2026 INFO all is calm",), None)
    >>> OneLine("%(message)s").format(record)
    'x\\\\n2026 INFO all is calm'
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = _UNSEEN.sub(_escaped, record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:
        words = super().formatException(ei)  # type: ignore[arg-type]
        return "\n".join(f"  {_UNSEEN.sub(_escaped, line)}" for line in words.split("\n"))


def _escaped(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode()
