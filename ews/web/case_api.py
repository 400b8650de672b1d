"""/api/v1/cases: what should have been told of past crises, and what ews would have told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi import Path as PathParam
from pydantic import BaseModel, Field

from ews.acting import ActRefused, person_of
from ews.model import Case
from ews.reports import Viewer, find_alert
from ews.reports.receivers import check_work, sees_work
from ews.reports.views import plain
from ews.tuning import casework
from ews.tuning.case_fields import CaseFieldError
from ews.tuning.case_lines import CaseLine, case_lines, case_row
from ews.tuning.casework import CaseRefused, Keeper
from ews.tuning.timeline_rows import Timeline
from ews.web.acts_api import Body, named, sent
from ews.web.api import PROBLEMS
from ews.web.case_plays import Plays
from ews.web.site import Site

Name = Annotated[str, PathParam(description="name of the case")]


class Cases(BaseModel):
    cases: list[CaseLine]
    count: int


class CaseRow(BaseModel):
    """A case with its fields (docs/cases.md)."""

    id: str
    fields: dict[str, Any]


class KeptCase(BaseModel):
    """What was kept."""

    id: str
    added_by: str
    added_at: datetime
    withdrawn_at: datetime | None
    alert_id: str
    fields: dict[str, Any]


class NewCase(Body):
    fields: dict[str, Any] = Field(default_factory=dict, description="as in docs/cases.md")
    from_alert: str = Field("", max_length=100, description="alert ID: fill in what it says")
    from_missed: str = Field("", max_length=100, description="ID of a report of a missed alert")


class Changes(Body):
    fields: dict[str, Any] = Field(description="fields to change; an empty one is taken away")


def case_api_router(site: Site, who: Callable[[Request], Viewer], plays: Plays) -> APIRouter:
    problems = PROBLEMS | {code: PROBLEMS[400] for code in (409, 413, 415, 422)}
    router = APIRouter(prefix="/api/v1", responses=problems, dependencies=[Depends(who)])
    _reading(router, site, plays)
    _keeping(router, site)
    return router


def _reading(router: APIRouter, site: Site, plays: Plays) -> None:
    @router.get("/cases", summary="Reference cases: shipped, and those that analysts keep")
    def all_cases(
        request: Request,
        withdrawn: Annotated[bool, Query(description="withdrawn ones too")] = False,
    ) -> Cases:
        found = case_lines(site.store, sees_work(request.state.viewer), withdrawn)
        return Cases(cases=found, count=len(found))

    @router.get("/cases/{name}", summary="What should be told of a case, and when")
    def one_case(request: Request, name: Name) -> CaseRow:
        row = case_row(site.store, name, sees_work(request.state.viewer))
        fields = plain(row)
        assert isinstance(fields, dict)
        return CaseRow(id=name, fields=fields)

    @router.get("/cases/{name}/timeline", summary="A case played by the rules in force")
    def timeline(request: Request, name: Name) -> Timeline:
        return plays.played(name, request.state.viewer)


def _keeping(router: APIRouter, site: Site) -> None:
    def keeper(request: Request) -> Keeper:
        check_work(named(request))
        person = person_of(site.store, request.state.viewer)
        return Keeper(person.name, person)

    @router.post("/cases", summary="Keep a reference case", openapi_extra=_schema(NewCase))
    def add(request: Request, given: Annotated[NewCase, Depends(sent(NewCase))]) -> KeptCase:
        begun = _begun(site, given)
        if begun.missing:
            raise HTTPException(422, f"still missing: {', '.join(begun.missing)}")
        return _kept(lambda: casework.add_case(
            site.store, begun.row, keeper(request), site.clock(), begun.alert_id))  # fmt: skip

    @router.post("/cases/{name}", summary="Change fields of a case", openapi_extra=_schema(Changes))
    def edit(
        request: Request, name: Name, given: Annotated[Changes, Depends(sent(Changes))]
    ) -> KeptCase:
        return _kept(lambda: casework.edit_case(
            site.store, name, given.fields, keeper(request), site.clock()))  # fmt: skip

    @router.post(
        "/cases/{name}/withdraw", summary="Take a case out of what alerts are held against"
    )
    def withdraw(request: Request, name: Name, _: Annotated[Viewer, Depends(named)]) -> KeptCase:
        return _kept(lambda: casework.withdraw_case(
            site.store, name, keeper(request), site.clock()))  # fmt: skip


def _begun(site: Site, given: NewCase) -> casework.Draft:
    if given.from_alert and given.from_missed:
        raise HTTPException(400, "give from_alert or from_missed, not both")
    if given.from_alert:
        return casework.from_alert(
            site.store, find_alert(site.store, given.from_alert), given.fields
        )
    if given.from_missed:
        return casework.from_missed(site.store, given.from_missed, given.fields)
    return casework.draft(given.fields)


def _kept(keep: Callable[[], Case]) -> KeptCase:
    """What was kept; 422 for a field that is wrong, 409 for a case that cannot be kept."""
    try:
        case = keep()
    except CaseFieldError as err:
        raise HTTPException(422, str(err)) from err
    except CaseRefused as err:
        raise ActRefused(str(err), err.text("ko")) from err
    body: Mapping[str, object] = case.body
    return KeptCase(id=case.id, added_by=case.added_by, added_at=case.added_at,
                    withdrawn_at=case.withdrawn_at, alert_id=case.alert_id, fields=dict(body))  # fmt: skip


def _schema(body: type[Body]) -> dict[str, object]:
    schema = body.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
