"""/api/v1/learning: what feedback teaches, deciding on it, ratios of false alarms, and drift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi import Path as PathParam
from pydantic import BaseModel, Field

from ews.acting import permitted, person_of
from ews.model import ActKind, Example, Person, Suggestion
from ews.reports import Viewer
from ews.tuning.drift import Drift
from ews.tuning.learning import accept_suggestion, reject_suggestion, suggest
from ews.tuning.learning_lines import Learning, Ratios
from ews.tuning.learning_teaching import (
    Gathered,
    accept_example,
    as_lines,
    exported,
    find_example,
    gather,
    reject_example,
    relevance_rows,
)
from ews.tuning.rule_tests import FailingCases
from ews.tuning.rules import Changer, RuleChangeError
from ews.web.acts_api import Body, SomeValue, Value, key_of, named, request_body, sent
from ews.web.api import PROBLEMS
from ews.web.learning_asked import (
    check_analyst,
    check_ratios,
    counted,
    drifted,
    learnt,
)
from ews.web.site import Site
from ews.web.tuning_desks import Desks

Found = TypeVar("Found")
Since = Annotated[str, Query(description="from: ISO 8601")]
Until = Annotated[str, Query(description="before: ISO 8601")]
Id = Annotated[str, PathParam(description="its ID, or a unique beginning of it")]
Code = Annotated[str, Field(min_length=1, max_length=60)]


LINES: dict[int | str, dict[str, object]] = {
    200: {
        "content": {"application/jsonl": {"schema": {"type": "string"}}},
        "description": "one object a line",
    }
}


class Taken(Body):
    """How an example should have been read; what is left out stays as proposed."""

    labels: list[Code] | None = Field(None, max_length=20, description="event types; [] for none")
    relevant: bool | None = Field(None, description="can it change what Korea buys")
    items: list[Code] | None = Field(None, max_length=50)
    note: Value = ""


class Accepted(Body):
    rebase: bool = Field(False, description="on top of what was saved meanwhile")


class Rejected(Body):
    reason: SomeValue


class Nothing(Body):
    """An empty object."""


class Suggestions(BaseModel):
    suggestions: list[Suggestion]
    count: int


def learning_api_router(site: Site, who: Callable[[Request], Viewer], desks: Desks) -> APIRouter:
    """The paths, bound to one store and its desk."""
    problems = PROBLEMS | {code: PROBLEMS[400] for code in (409, 413, 415, 422)}
    router = APIRouter(prefix="/api/v1/learning", responses=problems, dependencies=[Depends(who)])
    _asking_paths(router, site)
    _working_paths(router, site, desks)
    _example_paths(router, site)
    _suggestion_paths(router, site, desks)
    return router


def _asking_paths(router: APIRouter, site: Site) -> None:
    @router.get("", summary="Examples, suggestions and reports of missed alerts")
    def everything(
        request: Request,
        state: Annotated[str, Query(description="of examples: open, accepted, rejected, all")] = "",
    ) -> Learning:
        check_analyst(request.state.viewer)
        return learnt(site, state)

    @router.get(
        "/examples.jsonl", summary="Accepted examples: ids and labels, never the text",
        response_class=Response, responses=LINES,
    )  # fmt: skip
    def export(
        request: Request,
        relevance: Annotated[bool, Query(description="whether they matter to Korea")] = False,
    ) -> Response:
        check_analyst(request.state.viewer)
        rows = (relevance_rows if relevance else exported)(site.store)
        return Response(as_lines(rows), media_type="application/jsonl")

    @router.get("/ratios", summary="How often alerts were wrong, by rule, type, source, item")
    def ratios(request: Request, since: Since = "", until: Until = "") -> Ratios:
        check_ratios(request.state.viewer)
        return counted(site, since, until)

    @router.get("/drift", summary="What drifted in a week against the eight before")
    def drift(request: Request, since: Since = "", until: Until = "") -> Drift:
        check_analyst(request.state.viewer)
        return drifted(site, since, until)


def _working_paths(router: APIRouter, site: Site, desks: Desks) -> None:
    @router.post(
        "/gather", summary="Make examples of what people said", openapi_extra=request_body(Nothing)
    )
    def gathering(request: Request, _: Annotated[Nothing, Depends(sent(Nothing))]) -> Gathered:
        _analyst(site, request)
        return gather(site.store, site.clock())

    @router.post(
        "/suggest", summary="Work out what feedback speaks for", openapi_extra=request_body(Nothing)
    )
    def suggesting(request: Request, _: Annotated[Nothing, Depends(sent(Nothing))]) -> Suggestions:
        _analyst(site, request)
        found = desks.ask(lambda desk: suggest(desk, site.clock()))
        return Suggestions(suggestions=found, count=len(found))


def _example_paths(router: APIRouter, site: Site) -> None:
    @router.post(
        "/examples/{id}/accept", summary="Take an example as it should have been read",
        openapi_extra=request_body(Taken),
    )  # fmt: skip
    def accept(request: Request, id: Id, given: Annotated[Taken, Depends(sent(Taken))]) -> Example:
        person = _analyst(site, request)
        return accept_example(
            site.store, find_example(site.store, id).id, person, site.clock(), labels=given.labels,
            relevant=given.relevant, items=given.items, note=given.note,
        )  # fmt: skip

    @router.post(
        "/examples/{id}/reject", summary="Put an example away", openapi_extra=request_body(Rejected)
    )
    def reject(
        request: Request, id: Id, given: Annotated[Rejected, Depends(sent(Rejected))]
    ) -> Example:
        person = _analyst(site, request)
        example = find_example(site.store, id)
        return reject_example(site.store, example.id, person, site.clock(), given.reason)


def _suggestion_paths(router: APIRouter, site: Site, desks: Desks) -> None:
    @router.post(
        "/suggestions/{id}/accept", summary="Save a suggestion as a new version of the rules",
        openapi_extra=request_body(Accepted),
    )  # fmt: skip
    def accept(
        request: Request, id: Id, given: Annotated[Accepted, Depends(sent(Accepted))]
    ) -> Suggestion:
        person = _analyst(site, request)
        changer = Changer(person, "api", key_of(request, person))
        return _saved(lambda: desks.ask(lambda desk: accept_suggestion(
            desk, id, changer, site.clock(), rebase=given.rebase
        )))  # fmt: skip

    @router.post(
        "/suggestions/{id}/reject", summary="Put a suggestion away",
        openapi_extra=request_body(Rejected),
    )  # fmt: skip
    def reject(
        request: Request, id: Id, given: Annotated[Rejected, Depends(sent(Rejected))]
    ) -> Suggestion:
        person = _analyst(site, request)
        return reject_suggestion(site.store, id, person, site.clock(), given.reason)


def _analyst(site: Site, request: Request) -> Person:
    """NotAllowed for who may not change rules."""
    return permitted(site.store, person_of(site.store, named(request)), ActKind.RULES)


def _saved(saving: Callable[[], Found]) -> Found:
    """409 for a conflict, for rule tests that fail and for a change that cannot be."""
    try:
        return saving()
    except (RuleChangeError, FailingCases) as err:
        raise HTTPException(409, str(err)) from err
