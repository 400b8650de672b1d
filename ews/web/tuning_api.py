"""/api/v1/tuning: the answers of the tuning page as JSON, for analysts and operators."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, Field

from ews.model import RuleSet, Stage
from ews.reports import Viewer
from ews.tuning.desk import Desk
from ews.tuning.desk_shapes import (
    Candidate,
    DiffRow,
    Knob,
    Period,
    Preview,
    Proposal,
    Target,
    Version,
)
from ews.tuning.rule_values import difference
from ews.tuning.rules import of_version
from ews.web.acts_api import Body, SomeValue, Value, request_body, sent
from ews.web.api import PROBLEMS
from ews.web.rule_changes import changer_of, saved
from ews.web.site import Site
from ews.web.tuning_asked import YEARS
from ews.web.tuning_desks import Desks, check_tuner

Found = TypeVar("Found")
DAY = "day (UTC); without it that of the last replay, of a live store the last 180 days"
Key = Annotated[str, Field(min_length=3, max_length=200)]
Typed = Annotated[str, Field(min_length=1, max_length=40)]
At = Annotated[int | None, Query(description="version; without it the one in force")]


class Change(Body):
    """Changes of a version of the rules, and who says why."""

    base_version: int | None = Field(
        None, description="that the change was made on; none: in force"
    )
    changes: dict[Key, Typed] = Field(min_length=1, max_length=200)
    name: Value = ""
    reason: SomeValue
    at: datetime | None = Field(
        None, description="in force from then, in the future; none: at once"
    )
    rebase: bool = Field(
        False, description="put it on what was saved meanwhile, where nothing collides"
    )
    force_tests: bool = Field(False, description="save over failing rule tests that are no guards")


class Undo(Body):
    reason: SomeValue


class Tuning(BaseModel):
    """What may be moved, and where the rules stand."""

    version: int = Field(description="in force")
    newest: int
    period: Period | None = Field(description="that is played without from and to")
    knobs: list[Knob]


class Saved(BaseModel):
    version: int
    name: str
    by: str
    reason: str
    saved_at: datetime
    in_force_at: datetime | None


class Versions(BaseModel):
    versions: list[Version]
    count: int


class Difference(BaseModel):
    before: int
    after: int
    diff: list[DiffRow]


def tuning_api_router(site: Site, who: Callable[[Request], Viewer], desks: Desks) -> APIRouter:
    """The paths, bound to one store and its desk."""

    def tuner(request: Request) -> None:
        check_tuner(request.state.viewer)

    problems = PROBLEMS | {code: PROBLEMS[400] for code in (409, 413, 415, 422)}
    router = APIRouter(
        prefix="/api/v1/tuning", responses=problems, dependencies=[Depends(who), Depends(tuner)]
    )
    _asking_paths(router, site, desks)
    _proposal_path(router, site, desks)
    _version_paths(router, site, desks)
    _saving_paths(router, site, desks)
    return router


class Asking:
    """A period, the version that is changed, and the changes, as they stand in the query."""

    def __init__(
        self,
        base: At = None,
        since: Annotated[date | None, Query(alias="from", description=f"first {DAY}")] = None,
        until: Annotated[date | None, Query(alias="to", description=f"last {DAY}")] = None,
        change: Annotated[
            list[str] | None,
            Query(
                alias="set", description="key=value, as `ews tune show` spells it; may be repeated"
            ),
        ] = None,
        curve: Annotated[bool, Query(description="with the curve, which takes longer")] = True,
    ) -> None:
        self.base, self.since, self.until, self.curve = base, since, until, curve
        self.changes = dict(_pair(one) for one in change or ())

    def period(self, desk: Desk, now: datetime) -> Period:
        for day in (self.since, self.until):
            if day is not None and day.year not in YEARS:
                raise ValueError(f"{day}: give a day from {YEARS[0]} to {YEARS[-1]}")
        usual = None if self.since and self.until else desk.period(now)
        since = _midnight(self.since) if self.since else usual.since if usual else now
        until = usual.until if usual and not self.until else now
        if self.until:
            until = _midnight(self.until + timedelta(days=1))
        return Period(since, until)


def _pair(text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not found or not key.strip() or len(text) > 240:
        raise HTTPException(400, f"set: {text[:60]!r} is not key=value")
    return key.strip(), value.strip()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _asked(question: Callable[[], Found]) -> Found:
    """The answer; 400 with what is allowed for a question that cannot be."""
    try:
        return question()
    except ValueError as err:
        raise HTTPException(400, str(err)) from err


def _asking_paths(router: APIRouter, site: Site, desks: Desks) -> None:
    @router.get("", summary="What may be moved in the rules, for analysts")
    def tuning(version: At = None) -> Tuning:
        def answer(desk: Desk) -> Tuning:
            now = site.clock()
            base = desk.base(now) if version is None else of_version(desk.store, version)
            newest = desk.versions(now)
            return Tuning(
                version=desk.base(now).version,
                newest=newest[0].version if newest else base.version,
                period=_usual(desk, now), knobs=list(desk.knobs(base)),
            )  # fmt: skip

        return _asked(lambda: desks.ask(answer))

    @router.get("/preview", summary="What a change of the rules would have done, for analysts")
    def preview(asking: Annotated[Asking, Depends(Asking)]) -> Preview:
        def answer(desk: Desk) -> Preview:
            now = site.clock()
            base = asking.base if asking.base is not None else desk.base(now).version
            change = Candidate(base, asking.changes)
            return desk.preview(change, asking.period(desk, now), curve=asking.curve)

        return _asked(lambda: desks.ask(answer))


def _usual(desk: Desk, now: datetime) -> Period | None:
    """The period of a question that names none; None where nothing was ever played."""
    try:
        return desk.period(now)
    except (ValueError, LookupError):
        return None


def _proposal_path(router: APIRouter, site: Site, desks: Desks) -> None:
    @router.get("/propose", summary="At most so many alerts a day at the best recall, for analysts")
    def propose(
        most: Annotated[float, Query(ge=0, le=100_000, description="alerts a day at most")],
        asking: Annotated[Asking, Depends(Asking)],
        stage: Annotated[
            Literal["관심", "주의", "경계", "심각", "watch", "caution", "alert", "severe"],
            Query(description="alerts that reach it count"),
        ] = "watch",
        receiver: Annotated[
            str | None, Query(description="count what this one would be told instead")
        ] = None,
        precision_at_least: Annotated[
            float | None, Query(ge=0, le=1, description="of the alerts that were judged")
        ] = None,
    ) -> Proposal:
        target = Target(most, Stage.parse(stage), receiver, precision_at_least)

        def answer(desk: Desk) -> Proposal:
            now = site.clock()
            return desk.propose(target, asking.period(desk, now), now)

        return _asked(lambda: desks.ask(answer))


def _version_paths(router: APIRouter, site: Site, desks: Desks) -> None:
    def listed(planned: bool) -> Versions:
        found = desks.ask(lambda desk: desk.versions(site.clock()))
        kept = [one for one in found if not planned or one.state == "planned"]
        return Versions(versions=kept, count=len(kept))

    @router.get("/history", summary="Versions of the rules with who, when and why, for analysts")
    def history() -> Versions:
        return listed(planned=False)

    @router.get("/planned", summary="Versions that come into force later, for analysts")
    def planned() -> Versions:
        return listed(planned=True)

    @router.get("/diff", summary="What differs between two versions, for analysts")
    def diff(
        before: Annotated[int, Query(description="version")],
        after: Annotated[int, Query(description="version")],
    ) -> Difference:
        def answer() -> Difference:
            old, new = (of_version(site.store, one) for one in (before, after))
            rows = [DiffRow(key, *pair) for key, pair in difference(old, new).items()]
            return Difference(before=before, after=after, diff=rows)

        return _asked(answer)


def _saving_paths(router: APIRouter, site: Site, desks: Desks) -> None:
    @router.post(
        "/save", summary="Save a change of the rules as a new version, now or for later",
        openapi_extra=request_body(Change),
    )  # fmt: skip
    def save(request: Request, given: Annotated[Change, Depends(sent(Change))]) -> Saved:
        changer, now = changer_of(request, site, "rules"), site.clock()

        def do(desk: Desk) -> RuleSet:
            base = given.base_version
            change = Candidate(base if base is not None else desk.base(now).version, given.changes)
            how: Any = {"name": given.name, "reason": given.reason, "now": now, "changer": changer,
                        "rebase": given.rebase, "force_tests": given.force_tests}  # fmt: skip
            if given.at is None:
                return desk.save(change, **how)
            return desk.plan(change, _aware(given.at), **how)

        return _saved(lambda: desks.ask(do))

    @router.post(
        "/undo", summary="Take back the newest change of the rules",
        openapi_extra=request_body(Undo),
    )  # fmt: skip
    def undo(request: Request, given: Annotated[Undo, Depends(sent(Undo))]) -> Saved:
        changer, now = changer_of(request, site, "rules"), site.clock()
        return _saved(lambda: desks.ask(
            lambda desk: desk.undo(reason=given.reason, now=now, changer=changer)
        ))  # fmt: skip


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise HTTPException(422, "at: give the time with its zone, as 2026-11-27T00:00:00Z")
    if at.year not in YEARS:
        raise HTTPException(422, f"at: give a time from {YEARS[0]} to {YEARS[-1]}")
    return at


def _saved(do: Callable[[], RuleSet]) -> Saved:
    new = saved(do)
    return Saved(
        version=new.version, name=new.name, by=new.by, reason=new.reason,
        saved_at=new.created_at, in_force_at=new.in_force_at,
    )  # fmt: skip
