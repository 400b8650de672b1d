"""What went wrong with a source, and can trying again help?"""

from __future__ import annotations


class SourceError(Exception):
    """A source could not be read. `message` says what to do.

    `permanent`: trying again without a change cannot help. `retry_after_s`: the earliest sensible
    next try, when the other side named one. `status`: the HTTP status, when there was one.
    `deferred`: the source was not asked, because its host is to be left alone until then: no
    failure of the source.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after_s: int | None = None,
        status: int | None = None,
        deferred: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        self.status = status
        self.deferred = deferred

    def reworded(self, message: str) -> SourceError:
        """The same error in other words."""
        return SourceError(
            message,
            permanent=self.permanent,
            retry_after_s=self.retry_after_s,
            status=self.status,
            deferred=self.deferred,
        )


class Truncated(SourceError):
    """The answer was cut off at the publisher's row limit: ask for less at a time."""
