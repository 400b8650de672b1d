"""Routing beside a small model of it, written apart from it: random days, and no divergence.

The model knows minutes since a Monday midnight in Seoul, plain dicts and the rules as docs/alerts.md
tells them; it shares no code with `alerts/` but the nouns.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alerts.digests import carry, digest, due_digests, withheld
from alerts.routing import Routes, parse_routes, release, route, spent_of, told_of
from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    Bulletin,
    ChangeKind,
    Ending,
    Notification,
    Receiver,
    Silence,
    Stage,
)
from tests.alert_samples import TableNames, urea_alert

START = datetime(2026, 1, 4, 15, tzinfo=UTC)  # Monday 2026-01-05, 00:00 in Seoul
MINUTE = timedelta(minutes=1)
K = ChangeKind
INHIBIT = parse_routes("""
[[inhibit]]
name = "big"
source = { type = "big", stage = "주의" }
target = { type = "small" }
equal = ["item"]
""").inhibitions
RECEIVERS = (
    Receiver("plain", "console", "-", cooldown_min=60),
    Receiver("tight", "slack", "C1", budget_per_day=3, quiet="22:00-07:00", cooldown_min=30),
    Receiver("picky", "slack", "C2", items=("x",), minimum=Stage.CAUTION, budget_per_day=2,
             digests=("09:00", "18:00")),
)  # fmt: skip
ROUTES = Routes(RECEIVERS, INHIBIT)
HELD_BY_CLOCK = ("held_by_cooldown", "held_by_quiet_hours", "held_by_budget")
MAY_SPEAK = ("held_by_silence", "held_by_plan", "held_by_inhibition")
ENDS = ("resolved", "retracted")
COSTS_NOTHING = {"resolved", "retracted", "stage_down", "refused", "escalated"}


# --------------------------------------------------------------------------- the model


@dataclass
class Known:
    """What the model says that one receiver knows of one alert."""

    posts: int = 0
    open: bool = False
    last: int = 0
    highest: int = 0
    held: list[tuple[str, int, str]] = field(default_factory=list)  # reason, minute, kind


@dataclass
class Held:
    item: str
    until: int
    planned: bool


class Model:
    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Known] = {}
        self.spent: Counter[tuple[str, int]] = Counter()
        self.items: Counter[tuple[str, int, str]] = Counter()
        self.digested: dict[str, int] = {}
        self.silences: dict[str, Held] = {}

    def of(self, who: str, alert: Alert) -> Known:
        return self.known.setdefault((who, alert.id), Known())

    def is_for(self, who: str, alert: Alert) -> bool:
        return who != "picky" or "x" in alert.items

    def decide(
        self, who: str, alert: Alert, kind: str, before: int, t: int, firing: list[Alert]
    ) -> str:
        one, stage = self.of(who, alert), int(alert.stage)
        high = max(stage, int(alert.proposed or 0))
        if kind in {*ENDS, "stage_down", "refused"} and not one.open:
            return "held_below_minimum"
        shown = high
        if kind in ENDS:
            shown = 4  # it was told, so its end is
        elif kind == "stage_down":
            shown = max(high, before)
        elif kind == "refused":
            shown = max(high, int(alert.refused or 0))
        if shown < (2 if who == "picky" else 1):
            return "held_below_minimum"
        if kind not in ENDS:
            item = alert.items[0]
            fits = [s for s in self.silences.values() if s.item == item and s.until > t]
            if high <= 3 and any(not s.planned for s in fits):
                return "held_by_silence"
            if high <= 2 and any(s.planned for s in fits):
                return "held_by_plan"
            if alert.type == "small" and any(
                other.type == "big" and other.items == alert.items and int(other.stage) >= 2
                and int(other.stage) >= high and self.of(who, other).open
                for other in firing if other.id != alert.id
            ):  # fmt: skip
                return "held_by_inhibition"
        rose = kind in {"released", "reopened"} and (
            any(k == "stage_up" for _, _, k in one.held) or 0 < one.highest < stage
        )
        prompt = rose or kind in {*ENDS, "stage_down", "refused", "stage_up", "proposed"}
        held = self.by_clock(who, alert, kind, high, one, t)
        if held and high < 3 and not prompt:
            return held
        return REASON[kind] if one.posts or kind == "released" else "first"

    def by_clock(
        self, who: str, alert: Alert, kind: str, high: int, one: Known, t: int
    ) -> str | None:
        of_day = t % 1440
        cooldown = 30 if who == "tight" else 60
        if kind in {"updated", "blind", "released"} and one.open and t < one.last + cooldown:
            return "held_by_cooldown"
        if who == "tight" and (of_day >= 22 * 60 or of_day < 7 * 60):
            return "held_by_quiet_hours"
        if who == "plain":
            return None
        budget = 3 if who == "tight" else 2
        passed = min(Fraction(1), Fraction(of_day, 1200))
        part = math.floor(budget * passed**2) if high == 1 else math.ceil(budget * (1 + passed) / 2)
        used, day = self.spent[who, t // 1440], t // 1440
        of_item = self.items[who, day, alert.items[0]]
        if used >= part or of_item >= 2:  # half of three, rounded; picky asked for one item: all
            return "held_by_budget"
        return None

    def tell(self, who: str, alert: Alert, kind: str, reason: str, t: int) -> None:
        one = self.of(who, alert)
        if reason.startswith("held"):
            one.held.append((reason, t, kind))
            return
        one.posts, one.last, one.open, one.held = one.posts + 1, t, kind not in ENDS, []
        one.highest = max(one.highest, int(alert.stage))
        if kind not in COSTS_NOTHING:
            self.spent[who, t // 1440] += 1
            self.items[who, t // 1440, alert.items[0]] += 1

    def waits(self, who: str, alert: Alert, t: int) -> bool:
        for reason, at, _ in self.of(who, alert).held:
            if reason in MAY_SPEAK:
                return True
            unread = reason in HELD_BY_CLOCK and at > self.digested.get(who, -1)
            if unread and (reason != "held_by_budget" or at // 1440 == t // 1440):
                return True
        return False

    def digest_due(self, who: str, t: int) -> bool:
        times = {"tight": [510], "picky": [540, 1080]}.get(who, [])
        last = max((d * 1440 + m for d in range(-1, t // 1440 + 1) for m in times
                    if d * 1440 + m <= t), default=None)  # fmt: skip
        return last is not None and self.digested.get(who, -10_000) < last


REASON = {
    "raised": "first", "stage_up": "stage_rose", "stage_down": "stage_fell",
    "updated": "material_update", "resolved": "resolved", "retracted": "retracted",
    "reopened": "reopened", "proposed": "proposed", "refused": "refused", "blind": "blind",
    "released": "released",
}  # fmt: skip


# --------------------------------------------------------------------------- both, side by side

STEPS = 0


class Routing(RuleBasedStateMachine):
    """Every rule is one thing that happens; then what may speak again, then the digests."""

    def __init__(self) -> None:
        super().__init__()
        self.t = 600
        self.model = Model()
        self.alerts: dict[str, Alert] = {}
        self.silences: dict[str, Silence] = {}
        self.out: list[Notification] = []
        self.bulletins: list[Bulletin] = []
        self.urgent: set[str] = set()  # notifications of a stage that waits for its signature

    # ----- what happens

    @rule(
        type=st.sampled_from(["big", "small", "small", "other"]), item=st.sampled_from("xy"),
        stage=st.sampled_from([1, 1, 2, 2, 3]),
    )  # fmt: skip
    def raised(self, type: str, item: str, stage: int) -> None:
        now = self.now()
        alert = urea_alert(
            Stage(stage), id=f"alr-{len(self.alerts):03}", type=type, items=(item,), reasons=(),
            raised_at=now, updated_at=now, ministries=(),
        )  # fmt: skip
        self.happen(alert, K.RAISED, 0)

    @precondition(lambda self: self.alerts)
    @rule(
        data=st.data(),
        kind=st.sampled_from([
            K.STAGE_UP, K.STAGE_DOWN, K.UPDATED, K.UPDATED, K.RESOLVED, K.RETRACTED, K.PROPOSED,
            K.REFUSED, K.BLIND,
        ]),
    )  # fmt: skip
    def changed(self, data: st.DataObject, kind: ChangeKind) -> None:
        alert = self.alerts[data.draw(st.sampled_from(sorted(self.alerts)))]
        before = int(alert.stage)
        after = stepped(alert, kind, self.now())
        if after is not None:
            real = K.REOPENED if alert.state is AlertState.RESOLVED else kind
            self.happen(replace(after, revision=alert.revision + 1), real, before)

    @rule(item=st.sampled_from("xy"), minutes=st.integers(5, 900), planned=st.booleans())
    def silenced(self, item: str, minutes: int, planned: bool) -> None:
        id = f"sil-{len(self.silences)}"
        now = self.now()
        self.silences[id] = Silence(
            id, "kim", "work", now, now + minutes * MINUTE, {"item": item}, planned, "plan"
        )
        self.model.silences[id] = Held(item, self.t + minutes, planned)

    @rule(minutes=st.sampled_from([1, 5, 29, 31, 60, 61, 240, 700]))
    def time_passes(self, minutes: int) -> None:
        self.t += minutes
        self.settle()

    # ----- how it is taken

    def now(self) -> datetime:
        return START + self.t * MINUTE

    def firing(self) -> list[Alert]:
        return [a for a in self.alerts.values() if a.state is not AlertState.RESOLVED]

    def happen(self, alert: Alert, kind: ChangeKind, before: int) -> None:
        self.t += 1  # no two cycles share a moment
        self.alerts[alert.id] = alert
        self.take([AlertChange(alert, kind, self.now(), Stage(before) if before else None, "")])
        self.settle()

    def take(self, changes: list[AlertChange]) -> None:
        """Route the changes, and hold every answer against the model's."""
        known, now = told_of(self.out), self.now()
        made = route(
            changes, ROUTES, tuple(self.silences.values()), spent_of(self.out, RECEIVERS, now), now,
            known, self.firing(),
        )  # fmt: skip
        got = {(n.alert_id, n.receiver): n.reason.value for n in made}
        expected: dict[tuple[str, str], str] = {}
        for change in sorted(changes, key=best_first):
            for who in (r.name for r in RECEIVERS):
                if change.receivers and who not in change.receivers:
                    continue
                if self.model.is_for(who, change.alert):
                    alert, kind = change.alert, change.kind.value
                    reason = self.model.decide(
                        who, alert, kind, int(change.before or 0), self.t, self.firing()
                    )
                    self.model.tell(who, alert, kind, reason, self.t)
                    expected[alert.id, who] = reason
        assert got == expected
        self.out += made
        high = {c.alert.id for c in changes if (c.alert.proposed or 0) >= Stage.ALERT}
        self.urgent |= {n.id for n in made if n.alert_id in high}

    def settle(self) -> None:
        now = self.now()
        asked = {
            (who, alert.id)
            for alert in self.firing()
            for who in (r.name for r in RECEIVERS)
            if self.model.is_for(who, alert) and self.model.waits(who, alert, self.t)
        }
        changes = release(
            self.firing(), ROUTES, tuple(self.silences.values()), self.out,
            spent_of(self.out, RECEIVERS, now), now,
        )  # fmt: skip
        for change in changes:
            assert {(who, change.alert.id) for who in change.receivers} <= asked
            self.alerts[change.alert.id] = change.alert
        self.take(changes)
        self.nothing_more_may_speak(asked, changes)
        self.make_digests()

    def nothing_more_may_speak(
        self, asked: set[tuple[str, str]], changes: list[AlertChange]
    ) -> None:
        spoke = {(who, change.alert.id) for change in changes for who in change.receivers}
        for who, id in sorted(asked - spoke):
            alert = self.alerts[id]
            reason = self.model.decide(who, alert, "released", 0, self.t, self.firing())
            assert reason.startswith("held"), f"{who} could have heard of {id}: {reason}"

    def make_digests(self) -> None:
        now = self.now()
        last = {who: START + t * MINUTE for who, t in self.model.digested.items()}
        due = {r.name: since for r, since, _ in due_digests(ROUTES, last, now)}
        assert set(due) == {r.name for r in RECEIVERS if self.model.digest_due(r.name, self.t)}
        for receiver, since, until in due_digests(ROUTES, last, now):
            one = digest(receiver, since, until, self.alerts.values(), self.out, TableNames(), now)
            self.bulletins.append(one)
            self.out.append(carry(one, receiver))
            self.model.digested[receiver.name] = self.t

    # ----- what always holds

    @invariant()
    def a_step_is_done(self) -> None:
        global STEPS
        STEPS += 1

    @invariant()
    def nobody_is_told_twice_of_one_revision(self) -> None:
        keys = [(n.alert_id, n.alert_revision, n.receiver) for n in self.out]
        assert len(keys) == len(set(keys)) == len({n.id for n in self.out})

    @invariant()
    def the_clock_holds_neither_rise_nor_critical_stage_nor_end(self) -> None:
        for n in self.out[-12:]:
            if n.reason.value in HELD_BY_CLOCK:
                assert (n.stage or 0) < Stage.ALERT
                assert n.change not in {K.STAGE_UP, K.PROPOSED, K.RESOLVED, K.RETRACTED}

    @invariant()
    def what_a_budget_pays_for_is_never_more_than_it(self) -> None:
        for receiver in RECEIVERS[1:]:
            told = [n for n in self.out if n.receiver == receiver.name and n.reason.sent]
            days: Counter[int] = Counter()
            for n in told:
                day = int((n.at - START) / (1440 * MINUTE))
                if n.bulletin is None and n.change.value not in COSTS_NOTHING:
                    if n.change in {K.RAISED, K.UPDATED, K.BLIND} and (n.stage or 0) < Stage.ALERT:
                        assert n.id in self.urgent or days[day] < (receiver.budget_per_day or 0)
                    days[day] += 1

    def teardown(self) -> None:
        """Two days later, with no silence left: nothing that was held is lost."""
        for _ in range(20):
            self.t += 150
            self.settle()
        for n in self.out:
            if n.reason.value in (*HELD_BY_CLOCK, *MAY_SPEAK):
                assert self.is_read_somewhere(n), n
        super().teardown()

    def is_read_somewhere(self, held: Notification) -> bool:
        posted = any(
            n.alert_id == held.alert_id and n.receiver == held.receiver and n.reason.sent
            and n.at >= held.at for n in self.out
        )  # fmt: skip
        listed = any(
            held.alert_id in one.alerts and one.receiver == held.receiver and one.at >= held.at
            for one in self.bulletins
        )
        if posted or listed:
            return True
        (receiver,) = [r for r in RECEIVERS if r.name == held.receiver]
        kept = withheld(receiver, self.out, self.alerts.values())
        return receiver.name == "plain" and held.alert_id in {one.alert.id for one in kept}


def best_first(change: AlertChange) -> tuple[int, int, str]:
    alert = change.alert
    source = alert.type == "big" and alert.stage >= Stage.CAUTION
    return (-max(alert.stage, alert.proposed or 0), 0 if source else 1, alert.id)


def stepped(alert: Alert, kind: ChangeKind, now: datetime) -> Alert | None:
    """The alert after that; None where it makes no sense."""
    stage = alert.stage
    if alert.state is AlertState.RESOLVED:
        return replace(alert, state=AlertState.FIRING, proposed=None, ending=None)
    if kind is K.STAGE_UP and stage < Stage.ALERT:
        up = Stage(stage + 1)
        return replace(alert, stage=up, max_stage=max(up, alert.max_stage), proposed=None)
    if kind is K.STAGE_DOWN and stage > Stage.WATCH:
        return replace(alert, stage=Stage(stage - 1), proposed=None)
    if kind is K.PROPOSED and stage < Stage.ALERT and alert.proposed is None:
        return replace(alert, proposed=Stage.ALERT)
    if kind is K.REFUSED and alert.proposed is not None:
        return replace(alert, proposed=None, refused=alert.proposed)
    if kind in {K.RESOLVED, K.RETRACTED}:
        ending = Ending.EASED if kind is K.RESOLVED else Ending.RETRACTED
        return replace(alert, state=AlertState.RESOLVED, proposed=None, ending=ending,
                       resolved_at=now + MINUTE)  # fmt: skip
    return alert if kind in {K.UPDATED, K.BLIND} else None


TestRouting = Routing.TestCase
TestRouting.settings = settings(max_examples=8, stateful_step_count=25, deadline=None)


@pytest.mark.torture
def test_ten_thousand_steps_without_a_divergence() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    global STEPS
    STEPS = 0
    run_state_machine_as_test(
        Routing, settings=settings(max_examples=160, stateful_step_count=80, deadline=None)
    )
    print(f"{STEPS} steps, 0 divergences")
    assert STEPS >= 10_000
