"""What of sources is asked, by a page or the API."""

from __future__ import annotations

from typing import Annotated

from fastapi import HTTPException, Query

from ews.reports.collection import SourcesAsked, sources_report
from ews.reports.source_views import SourcesReport
from ews.web.site import Site

FILTERS = ("state", "group", "country", "language", "private", "todo", "q", "sort")


class Filters:
    """The query of the list."""

    def __init__(
        self,
        state: Annotated[
            str,
            Query(description="failing, stale, never, fresh, off, or blind: must not read as calm"),
        ] = "",
        group: Annotated[str, Query(description="such as news")] = "",
        country: Annotated[str, Query(description="of the publisher: ISO2, EU or INT")] = "",
        language: Annotated[str, Query(description="of its texts, such as ko")] = "",
        private: Annotated[
            bool | None, Query(description="only those added here, or only shipped ones")
        ] = None,
        todo: Annotated[str, Query(description="what there is to do: a code of the advice")] = "",
        q: Annotated[str, Query(description="words in name, title, publisher or address")] = "",
        sort: Annotated[
            str, Query(description="the most pressing first if none; name, newest or next")
        ] = "",
    ) -> None:
        self.asked = SourcesAsked(
            state.strip(), group.strip(), country.strip().upper(), language.strip(), private,
            todo.strip(), q.strip(), sort.strip(),
        )  # fmt: skip


def listed(site: Site, asked: SourcesAsked) -> SourcesReport:
    """The list. 400 says what is wrong with the question."""
    try:
        return sources_report(site.store, site.clock(), asked)
    except ValueError as err:
        raise HTTPException(400, str(err)) from err
