"""/api/v1, what people do: POST with a token of their own, JSON only, once for an Idempotency-Key.

A cookie is never looked at here, so no page elsewhere can make a browser act.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Literal, TypeVar
from uuid import uuid4

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi import Path as PathParam
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alerts.silences import MATCHERS
from ews.acting import act, decisions, person_of
from ews.model import FALSE_ALARMS, ActKind, Person
from ews.reports import AlertLine, NotForViewer, Viewer, alert_line
from ews.reports.acts import ActLine, SilenceLine, act_line, check_staff, silence_lines
from ews.reports.people import PersonLine, people_lines
from ews.web.api import PROBLEMS
from ews.web.asking import bearer
from ews.web.site import Site

LONGEST = 20_000  # bytes of a body
Text = Annotated[str, Field(max_length=2_000)]
Value = Annotated[str, Field(max_length=1_000)]
Some = Annotated[str, Field(min_length=1, max_length=2_000)]
SomeValue = Annotated[str, Field(min_length=1, max_length=1_000)]
AlertId = Annotated[str, PathParam(description="alert ID, or a unique beginning of it")]
Reason = Literal[
    "not_real", "old_news", "opinion", "duplicate", "wrong_item", "wrong_place", "wrong_type",
    "too_high",
]  # fmt: skip
assert set(Reason.__args__) == set(FALSE_ALARMS)  # type: ignore[attr-defined]
Matcher = Literal[
    "type", "country", "item", "chokepoint", "port", "ministry", "industry", "rule", "fingerprint",
    "alert", "receiver",
]  # fmt: skip
assert set(Matcher.__args__) == {*MATCHERS, "receiver"}  # type: ignore[attr-defined]


class Body(BaseModel):
    """What is asked; a field of another name is an error, so that none is passed over."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Noted(Body):
    note: Text = ""


class HandOver(Noted):
    to: SomeValue


class Signed(Noted):
    revision: int = Field(ge=1, description="of the alert, as it was looked at")


class Refused(Body):
    revision: int = Field(ge=1, description="of the alert, as it was looked at")
    reason: Some


class FalseAlarm(Noted):
    reason: Reason
    revision: int | None = Field(None, ge=1)


class Cleared(Body):
    reason: Some
    revision: int | None = Field(None, ge=1)


class Closed(Noted):
    decision: SomeValue
    outcome: SomeValue
    turned_out: Literal["", "true", "false", "late", "prevented", "open"] = Field(
        "", description="how the alert turned out, for the ledger"
    )


class Note(Body):
    note: Some


class Missed(Body):
    item: SomeValue
    note: Some
    when: Value = ""
    link: Value = ""


class NewSilence(Body):
    reason: Some
    alert: Value = ""
    matchers: dict[Matcher, SomeValue] = Field(default_factory=dict)
    stage: Value = Field("", description="highest stage held; 경계 when not given")
    hours: int | None = Field(None, ge=1, le=24 * 366)
    until: Value = ""
    planned: bool = False
    title: Value = ""
    start: Value = Field("", description="of a planned event: from when")


class Acts(BaseModel):
    """What was done."""

    act: ActLine


class Silences(BaseModel):
    silences: list[SilenceLine]
    count: int


class People(BaseModel):
    people: list[PersonLine]
    count: int


class Decisions(BaseModel):
    alerts: list[AlertLine]
    count: int


B = TypeVar("B", bound=Body)


def acts_api_router(site: Site, who: Callable[[Request], Viewer]) -> APIRouter:
    """The paths, bound to one store; `who` makes the viewer of each request."""
    problems = PROBLEMS | {code: PROBLEMS[400] for code in (409, 413, 415, 422)}
    router = APIRouter(prefix="/api/v1", responses=problems, dependencies=[Depends(who)])
    for name, (kind, body, summary) in OF_ALERTS.items():
        _alert_path(router, site, name, kind, body, summary)
    _missed_path(router, site)
    _silence_paths(router, site)
    _reading_paths(router, site)
    return router


# --------------------------------------------------------------------------- the edge


def named(request: Request) -> Viewer:
    """The viewer of the Authorization header. 401 without one: a cookie acts for nobody here."""
    if bearer(request) is None:
        raise HTTPException(401, "acting needs `Authorization: Bearer TOKEN` with a token of your "
                            "own", {"WWW-Authenticate": 'Bearer realm="ews"'})  # fmt: skip
    viewer = request.state.viewer
    assert isinstance(viewer, Viewer)
    return viewer


def sent(kind: type[B]) -> Callable[[Request, Viewer], Awaitable[B]]:
    """A dependency: the body as JSON of that shape. 415, 413, 400 or 422 otherwise.

    It stands after `named`: nobody's body is read before it is known whose it is.
    """

    async def body(request: Request, _: Annotated[Viewer, Depends(named)]) -> B:
        said = request.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
        if said != "application/json":
            raise HTTPException(415, "send JSON: Content-Type: application/json")
        raw = b""
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > LONGEST:
                raise HTTPException(413, f"the body is longer than {LONGEST:,} bytes")
        try:
            return kind.model_validate(json.loads(raw.decode("utf-8") or "{}"))
        except ValidationError as err:
            raise HTTPException(422, _said(err)) from err
        except (ValueError, RecursionError) as err:
            raise HTTPException(400, "the body is no JSON document in UTF-8") from err

    return body


def _said(err: ValidationError) -> str:
    """What is wrong, field by field; never what was sent."""
    return "; ".join(
        f"{'.'.join(map(str, one['loc']))[:80] or 'body'}: {one['msg']}"
        for one in err.errors()[:10]
    )


def request_body(body: type[Body]) -> dict[str, object]:
    """What the document of the API says of a path that takes such a body."""
    schema = body.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def key_of(request: Request, person: Person) -> str:
    """The key of what a person asks: of the request's Idempotency-Key, for which it happens once."""
    given = request.headers.get("Idempotency-Key", "").strip()
    if len(given) > 200:
        raise HTTPException(400, "Idempotency-Key has 200 letters at most")
    return f"api:{person.id}:{given or uuid4()}"


def do_act(
    site: Site,
    request: Request,
    kind: ActKind,
    *,
    alert_id: str | None = None,
    note: str = "",
    detail: Mapping[str, object] | None = None,
) -> Acts:
    """Do it under the name of the token, once for the request's Idempotency-Key."""
    person = person_of(site.store, named(request))
    done = act(
        site.store, person, kind, alert_id=alert_id, note=note,
        detail={key: str(value) for key, value in (detail or {}).items() if value not in (None, "")},
        via="api", key=key_of(request, person), now=site.clock(),
    )  # fmt: skip
    return Acts(act=act_line(done))


# --------------------------------------------------------------------------- paths

OF_ALERTS: dict[str, tuple[ActKind, type[Body], str]] = {
    "acknowledge": (ActKind.ACKNOWLEDGE, Noted, "Take an alert: seen, and mine"),
    "hand-over": (ActKind.HAND_OVER, HandOver, "Hand an alert to another person"),
    "sign": (ActKind.SIGN_OFF, Signed, "Sign the stage that waits"),
    "refuse": (ActKind.REFUSE, Refused, "Say no to the stage that waits"),
    "false-alarm": (ActKind.FALSE_ALARM, FalseAlarm, "Say that an alert was wrong"),
    "clear": (ActKind.CLEAR, Cleared, "End an alert: it is over"),
    "close": (ActKind.CLOSE, Closed, "Write down the decision and its outcome"),
    "note": (ActKind.NOTE, Note, "Write a note on an alert"),
}


def _alert_path(
    router: APIRouter, site: Site, name: str, kind: ActKind, body: type[Body], summary: str
) -> None:
    def do(request: Request, alert_id: AlertId, given: Body = Depends(sent(body))) -> Acts:
        detail = given.model_dump(exclude={"note"})
        note = str(getattr(given, "note", ""))
        if kind in (ActKind.REFUSE, ActKind.CLEAR):
            note = detail.pop("reason")
        return do_act(site, request, kind, alert_id=alert_id, note=note, detail=detail)

    router.post(
        f"/alerts/{{alert_id}}/{name}", summary=summary, openapi_extra=request_body(body),
        name=f"act_{kind.value}",
    )(do)  # fmt: skip


def _missed_path(router: APIRouter, site: Site) -> None:
    @router.post(
        "/missed",
        summary="Report an alert that should have come",
        openapi_extra=request_body(Missed),
    )
    def missed(request: Request, given: Annotated[Missed, Depends(sent(Missed))]) -> Acts:
        detail = given.model_dump(exclude={"note"})
        return do_act(site, request, ActKind.MISSED, note=given.note, detail=detail)


def _silence_paths(router: APIRouter, site: Site) -> None:
    @router.get("/silences", summary="Silences and planned events, in force or to come")
    def silences(
        request: Request,
        ended: Annotated[bool, Query(description="those that have ended, too")] = False,
    ) -> Silences:
        check_staff(named(request))
        found = silence_lines(site.store, site.clock(), all=ended)
        return Silences(silences=list(found), count=len(found))

    @router.post(
        "/silences", summary="Hold messages back, or enter a planned event",
        openapi_extra=request_body(NewSilence),
    )  # fmt: skip
    def silence(request: Request, given: Annotated[NewSilence, Depends(sent(NewSilence))]) -> Acts:
        detail: dict[str, object] = {f"match.{k}": v for k, v in given.matchers.items()}
        detail |= {"stage": given.stage, "hours": given.hours, "until": given.until}
        if given.planned:
            detail |= {"title": given.title, "from": given.start}
        kind = ActKind.PLAN if given.planned else ActKind.SILENCE
        return do_act(site, request, kind, alert_id=given.alert or None, note=given.reason,
                   detail=detail)  # fmt: skip

    @router.delete("/silences/{silence_id}", summary="End a silence or a planned event")
    def unsilence(
        request: Request,
        silence_id: Annotated[str, PathParam(description="silence ID")],
        _: Annotated[Viewer, Depends(named)],
    ) -> Acts:
        return do_act(site, request, ActKind.UNSILENCE, detail={"silence": silence_id[:100]})


def _reading_paths(router: APIRouter, site: Site) -> None:
    @router.get("/decisions", summary="Alerts that wait for a decision in writing, oldest first")
    def waiting(request: Request) -> Decisions:
        check_staff(named(request))
        store = site.store
        found = [alert_line(one, store.event(one.event_id)) for one in decisions(store)]
        return Decisions(alerts=found, count=len(found))

    @router.get("/people", summary="People and their roles, for operators")
    def people(request: Request) -> People:
        if named(request).role != "operator":
            raise NotForViewer("people are for operators")
        found = people_lines(site.store)
        return People(people=list(found), count=len(found))
