"""/api/v1/ledger: how alerts turned out, one of them with its evidence, and saying how one did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from ews.acting import person_of
from ews.model import Outcome
from ews.reports import Viewer
from ews.reports.acts import act_line
from ews.tuning.ledger import Account, Ledger
from ews.tuning.ledger_reviews import turned_out
from ews.web.acts_api import Acts, Body, SomeValue, key_of, named, sent
from ews.web.api import PROBLEMS, AlertId
from ews.web.asked import known
from ews.web.exposure_api import SHEET, csv_answer
from ews.web.ledger_asked import Ledgers, account_of, question
from ews.web.ledger_sheet import entries_sheet, reliability_sheet
from ews.web.site import Site

AsOf = Annotated[
    str | None, Query(description="what was known at that time; a date is its end in Korea")
]
Language = Annotated[Literal["ko", "en"], Query(description="language of headings and words")]


class TurnedOut(Body):
    outcome: Literal["true", "false", "late", "open"]
    reason: SomeValue


TURNED_OUT: dict[str, object] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": TurnedOut.model_json_schema()}},
    }
}


class Filters:
    """The query of the ledger."""

    def __init__(
        self,
        since: Annotated[str | None, Query(description="raised at or after: ISO 8601")] = None,
        until: Annotated[str | None, Query(description="raised before: ISO 8601")] = None,
        stage: Annotated[str | None, Query(description="ever this stage or higher")] = None,
        type: Annotated[str | None, Query(description="event type")] = None,
        outcome: Annotated[
            str | None, Query(description="open, true, false, late or prevented")
        ] = None,
        as_of: AsOf = None,
    ) -> None:
        self.asked = question(since, until, stage, type, outcome)
        self.as_of = as_of


Asks = Annotated[Filters, Depends(Filters)]


def ledger_api_router(site: Site, who: Callable[[Request], Viewer], kept: Ledgers) -> APIRouter:
    """The paths, bound to one store; `who` makes the viewer of each request."""
    problems = PROBLEMS | {code: PROBLEMS[400] for code in (409, 413, 415, 422)}
    router = APIRouter(prefix="/api/v1", responses=problems, dependencies=[Depends(who)])

    def found(request: Request, asks: Filters) -> Ledger:
        return kept.answer(site, request, asks.asked, known(asks.as_of, site.clock()))

    @router.get("/ledger", summary="How alerts turned out, and whether their probabilities held")
    def every(request: Request, asks: Asks) -> Ledger:
        return found(request, asks)

    @router.get(
        "/ledger.csv", summary="The same as a sheet, a line for each alert", responses=SHEET,
        response_class=Response,
    )  # fmt: skip
    def every_csv(request: Request, asks: Asks, lang: Language = "ko") -> Response:
        return csv_answer(entries_sheet(found(request, asks), lang), "ledger.csv")

    @router.get(
        "/ledger/reliability.csv", summary="The reliability diagram as a sheet", responses=SHEET,
        response_class=Response,
    )  # fmt: skip
    def reliability_csv(request: Request, asks: Asks, lang: Language = "ko") -> Response:
        return csv_answer(reliability_sheet(found(request, asks), lang), "reliability.csv")

    @router.get("/ledger/{alert_id}", summary="How one alert turned out, with the evidence")
    def one(request: Request, alert_id: AlertId, as_of: AsOf = None) -> Account:
        return account_of(site, request, alert_id, as_of)

    _saying(router, site, kept)
    return router


def _saying(router: APIRouter, site: Site, kept: Ledgers) -> None:
    @router.post(
        "/alerts/{alert_id}/turned-out", summary="Say how an alert turned out",
        openapi_extra=TURNED_OUT,
    )  # fmt: skip
    def say(
        request: Request, alert_id: AlertId, given: Annotated[TurnedOut, Depends(sent(TurnedOut))]
    ) -> Acts:
        person = person_of(site.store, named(request))
        done = turned_out(
            site.store, person, alert_id, Outcome(given.outcome), given.reason, site.clock(),
            "api", key_of(request, person),
        )  # fmt: skip
        kept.forget()
        return Acts(act=act_line(done))
