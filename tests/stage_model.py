"""A second, small account of the life of alerts, to hold the real one against.

Written from docs/stages.md alone: one dictionary for each alert, one question at a time, every answer
worked out anew from all facts. It shares no code with alerts/.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations

RAISE = {1: 1.0, 2: 1.5, 3: 2.0, 4: 2.5}
CLEAR = {1: 0.8, 2: 1.3, 3: 1.8, 4: 2.3}
WAIT = {3: timedelta(minutes=60), 4: timedelta(minutes=30)}
QUIET, REOPEN = timedelta(days=30), timedelta(days=7)


@dataclass(frozen=True)
class Facts:
    severity: float
    outlets: frozenset[str]
    authority: bool = False
    phase: str = "actual_or_ongoing"  # or threat_or_proposed, easing_or_aftermath
    untrue: bool = False


@dataclass
class ModelAlert:
    founder: str
    raised_at: datetime
    held: dict[str, int] = field(default_factory=dict)
    stage: int = 0
    top: int = 0  # highest stage ever in force
    asks: int = 0
    since: dict[int, datetime] = field(default_factory=dict)  # stage that waits -> since when
    wait: dict[int, timedelta] = field(default_factory=lambda: dict(WAIT))
    signer: str = ""
    unsigned: bool = False  # in force because time ran out
    refused: int = 0
    ended: str = ""
    ended_at: datetime | None = None
    by_person: bool = False
    stated: dict[str, tuple[frozenset[str], bool]] = field(default_factory=dict)  # as last kept
    holder: str = ""
    acknowledged: bool = False
    took: dict[str, int] = field(default_factory=dict)  # who acknowledged -> at which stage
    happened: bool = False  # it was once told as actual
    threatened: bool = False
    blind: bool = False

    @property
    def proposed(self) -> int:
        return max(self.since, default=0)

    @property
    def sign_by(self) -> datetime | None:
        dues = [at + self.wait[s] for s, at in self.since.items() if self.wait[s]]
        return min(dues, default=None)


class Model:
    def __init__(self, waits: dict[int, timedelta]) -> None:
        self.waits = waits
        self.facts: dict[str, Facts] = {}
        self.seen: dict[str, datetime] = {}
        self.home: dict[str, ModelAlert] = {}
        self.alerts: list[ModelAlert] = []

    # ----- what the rules hold

    def _level(self, name: str, firm: bool, held: int) -> int:
        facts = self.facts[name]
        if facts.untrue or facts.phase == "easing_or_aftermath":
            return 0
        best = 0
        for stage in (1, 2, 3, 4):
            if stage > 2 and not firm:
                continue
            need = CLEAR[stage] if stage <= held else RAISE[stage]
            if facts.severity >= need:
                best = stage
        return best

    def _firm(self, names: tuple[str, ...]) -> bool:
        outlets = frozenset().union(*(self.facts[n].outlets for n in names))
        return len(outlets) > 1 or any(self.facts[n].authority for n in names)

    def _levels(self, names: list[str], held: dict[str, int]) -> dict[str, int]:
        """Levels under the largest set of reports that hold one with the support of just that set."""
        for size in range(len(names), 0, -1):
            for chosen in combinations(sorted(names), size):
                firm = self._firm(chosen)
                levels = {n: self._level(n, firm, held.get(n, 0)) for n in chosen}
                if all(levels.values()):
                    return {n: levels.get(n, 0) for n in names}
        return dict.fromkeys(names, 0)

    # ----- what comes

    def report(self, name: str, facts: Facts, now: datetime) -> str:
        """The kind of change it brings, "" none."""
        self.facts[name], self.seen[name] = facts, now
        alert = self.home.get(name)
        if alert is None:
            oldest = self._joinable(now)
            if oldest is None:
                return self._raise(name, now)
            awake = [] if oldest.ended else [n for n, s in oldest.held.items() if s]
            if not self._level(name, self._firm((*awake, name)), 0):
                return ""
            alert = self.home[name] = oldest
        awake = {} if alert.ended else {n: s for n, s in alert.held.items() if s}
        known = dict(alert.held) if not alert.ended else dict.fromkeys(alert.held, 0)
        looked = {*awake, name}
        if facts.untrue and set(awake) == {name}:  # what eased before was true all the same
            looked |= set(alert.held)
        levels = self._levels(sorted(looked), awake)
        new = known | levels
        if alert.ended:
            return self._again(alert, new, now)
        if not any(new.values()):
            return self._over(alert, new, looked, now)
        before = (alert.stage, alert.proposed)
        news, changed = self._news(alert, new), new != alert.held or self._otherwise(alert, new)
        alert.held = new
        self._ask(alert, max(new.values()), now)
        kind = "noted" if changed else ""
        if alert.stage != before[0]:
            kind = "stage_up" if alert.stage > before[0] else "stage_down"
        elif alert.proposed and alert.proposed != before[1]:
            kind = "proposed"
        elif news or (before[1] and not alert.proposed):
            kind = "updated"
        if kind:
            self._tell(alert)
        return kind

    def _states(self, held: dict[str, int]) -> dict[str, tuple[frozenset[str], bool]]:
        return {n: (self.facts[n].outlets, self.facts[n].authority) for n, s in held.items() if s}

    def _otherwise(self, alert: ModelAlert, new: dict[str, int]) -> bool:
        """Sources of several reports are kept to the letter, those of one by what they prove."""
        stated = self._states(new)
        if len(stated) > 1:
            return stated != alert.stated
        return proves(stated) != proves(alert.stated)

    def _joinable(self, now: datetime) -> ModelAlert | None:
        """The oldest alert that a new report may join."""
        for alert in sorted(self.alerts, key=lambda a: a.raised_at):
            ended = alert.ended_at
            if not alert.ended or (
                alert.ended != "retracted" and ended is not None and now - ended <= REOPEN
            ):
                return alert
        return None

    def _raise(self, name: str, now: datetime) -> str:
        levels = self._levels([name], {})
        if not levels[name]:
            return ""
        alert = ModelAlert(name, now, levels, wait=self.waits)
        self.alerts.append(alert)
        self.home[name] = alert
        self._tell(alert)
        self._ask(alert, levels[name], now)
        return "raised"

    def _tell(self, alert: ModelAlert) -> None:
        holding = tuple(n for n, s in alert.held.items() if s)
        alert.stated = self._states(alert.held)
        phases = {self.facts[n].phase for n in holding}
        alert.happened |= "actual_or_ongoing" in phases
        alert.threatened |= "threat_or_proposed" in phases

    def _news(self, alert: ModelAlert, new: dict[str, int]) -> bool:
        holding = tuple(n for n, s in new.items() if s)
        firm = self._firm(holding) and not proves(alert.stated)[0]
        actual = any(self.facts[n].phase == "actual_or_ongoing" for n in holding)
        return firm or (actual and alert.threatened and not alert.happened)

    def _over(self, alert: ModelAlert, new: dict[str, int], looked: set[str], now: datetime) -> str:
        untrue = all(self.facts[n].untrue for n in looked)
        alert.held = new
        self._end(alert, "retracted" if untrue else "eased", now)
        return "retracted" if untrue else "resolved"

    def _end(self, alert: ModelAlert, how: str, now: datetime, by_person: bool = False) -> None:
        alert.ended, alert.ended_at, alert.by_person = how, now, by_person
        alert.since, alert.refused, alert.blind = {}, 0, False

    def _again(self, alert: ModelAlert, new: dict[str, int], now: datetime) -> str:
        if not any(new.values()):
            return ""
        higher = max(new.values()) > alert.top
        if alert.by_person and not (self._news(alert, new) or higher):
            self._forget_newcomers(alert)
            return ""
        alert.ended, alert.ended_at, alert.by_person = "", None, False
        alert.held, alert.stage, alert.signer, alert.unsigned = new, 1, "", False
        alert.holder, alert.acknowledged, alert.took = "", False, {}
        alert.since, alert.refused = {}, 0
        self._tell(alert)
        self._ask(alert, max(new.values()), now)
        return "reopened"

    def _forget_newcomers(self, alert: ModelAlert) -> None:
        """A report that joined nothing is no member: it is looked at afresh when it comes again."""
        for name in [n for n, a in self.home.items() if a is alert and n not in alert.held]:
            del self.home[name]

    # ----- which stage is in force

    def _ask(self, alert: ModelAlert, asks: int, now: datetime) -> None:
        alert.asks = asks
        if alert.refused > asks:
            alert.refused = 0
        if asks <= 2:
            alert.stage, alert.since = asks, {}
            alert.signer, alert.unsigned = "", False
        elif asks <= alert.stage:
            alert.stage, alert.since = asks, {}
        else:
            alert.stage = max(alert.stage, 2)
            blocked = alert.refused == asks
            for stage in (3, 4):
                waits = alert.stage < stage <= asks and stage != alert.refused and not blocked
                if not waits:
                    alert.since.pop(stage, None)
                else:
                    alert.since.setdefault(stage, now)
        alert.top = max(alert.top, alert.stage)

    def wait(self, now: datetime) -> dict[int, str]:
        """Index of an alert -> kind of the last change that the time brought."""
        kinds: dict[int, str] = {}
        for number, alert in enumerate(self.alerts):
            if alert.ended:
                continue
            due = [s for s, at in alert.since.items()
                   if alert.wait[s] and at + alert.wait[s] <= now]  # fmt: skip
            if due:
                alert.stage, alert.signer, alert.unsigned = max(due), "", True
                alert.since = {s: at for s, at in alert.since.items() if s > alert.stage}
                alert.refused = 0 if alert.refused <= alert.stage else alert.refused
                alert.top = max(alert.top, alert.stage)
                kinds[number] = "stage_up"
            last = max(self.seen[n] for n in alert.held)
            if now - last >= QUIET and not alert.blind:
                self._end(alert, "quiet", now)
                alert.held = dict.fromkeys(alert.held, 0)
                kinds[number] = "resolved"
        return kinds

    # ----- what people do; False when it makes no sense

    def sign(self, alert: ModelAlert, by: str, stage: int) -> bool:
        open_ = alert.proposed or (alert.stage if alert.stage > 2 and not alert.signer else 0)
        stage = stage or open_
        nameless = alert.stage > 2 and not alert.signer
        if alert.ended or not 2 < stage <= open_ or (stage <= alert.stage and not nameless):
            return False
        alert.stage, alert.signer, alert.unsigned, alert.since = stage, by, False, {}
        if stage < open_:
            alert.refused = open_
        elif alert.refused <= stage:
            alert.refused = 0
        alert.top = max(alert.top, stage)
        return True

    def refuse(self, alert: ModelAlert) -> bool:
        nameless = alert.stage > 2 and not alert.signer
        if alert.ended or not (alert.proposed or nameless):
            return False
        if alert.proposed:
            alert.refused = alert.proposed
        else:
            alert.refused = max(alert.refused, alert.stage)
            alert.stage, alert.unsigned = 2, False
        alert.since = {}
        return True

    def retract(self, alert: ModelAlert, now: datetime) -> bool:
        if alert.ended == "retracted":
            return False
        by_person = alert.by_person or not alert.ended
        self._end(alert, "retracted", now, by_person)
        return True

    def acknowledge(self, alert: ModelAlert, by: str) -> bool:
        stage = max(alert.stage, alert.proposed)
        if alert.ended or (alert.holder == by and alert.took.get(by, 0) >= stage):
            return False
        alert.holder, alert.acknowledged = by, True
        alert.took[by] = stage
        return True

    def hand_over(self, alert: ModelAlert, by: str, to: str) -> bool:
        if alert.ended or alert.holder == to:
            return False
        alert.took |= {name: 0 for name in (by, alert.holder) if name}
        alert.holder = to
        return True

    def clear(self, alert: ModelAlert, now: datetime) -> bool:
        if alert.ended:
            return False
        self._end(alert, "cleared", now, by_person=True)
        return True


def proves(stated: dict[str, tuple[frozenset[str], bool]]) -> tuple[bool, bool]:
    """(corroborated, said by the authority)"""
    outlets = frozenset().union(*(o for o, _ in stated.values()))
    authority = any(a for _, a in stated.values())
    return authority or len(outlets) > 1, authority
