"""Rule tests that an analyst can write: cases as data, decided under a rule document."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

from alerts import rules
from alerts.measures import measures
from ews.model import Event, EventStatus, Evidence, Exposure, Phase, Stage

_AT = datetime(2024, 1, 1, tzinfo=UTC)
DEFAULTS: Mapping[str, object] = {
    "type": "export_restriction",
    "probability": 0.9,
    "severity": 1.8,
    "sources": 2,
    "authority": False,
    "named": True,
    "phase": Phase.ACTUAL.value,
    "share": 0.5,
    "magnitude": 0.5,
    "impact_day": 30.0,
    "time_to_survive_days": 60.0,
    "time_to_recover_days": 30.0,
}


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    name: str
    expected: Stage | None
    got: Stage | None
    rule: str

    @property
    def passed(self) -> bool:
        return self.expected == self.got


def shipped_cases() -> list[Mapping[str, object]]:
    text = files("alerts").joinpath("rules_test.toml").read_text(encoding="utf-8")
    cases: list[Mapping[str, object]] = tomllib.loads(text)["case"]
    return cases


def run_cases(
    document: Mapping[str, object], cases: Sequence[Mapping[str, object]]
) -> list[CaseOutcome]:
    """Each case decided under the document. RuleError names a case key that is not known."""
    ordered = rules.read_rules(document)
    unread = rules.unread(document)
    outcomes = []
    for case in cases:
        name = str(case.get("name", "(unnamed)"))
        if extra := set(case) - set(DEFAULTS) - {"name", "expect"}:
            raise rules.RuleError(f"case {name!r}: unknown key {sorted(extra)[0]!r}")
        event, exposure = _event({**DEFAULTS, **case}), _exposure({**DEFAULTS, **case})
        values = measures(event, [exposure] if event.items else [], unread)
        rule = rules.decide(ordered, event, values, None)
        expect = str(case.get("expect", ""))
        outcomes.append(
            CaseOutcome(
                name,
                Stage.parse(expect) if expect else None,
                rule.stage if rule else None,
                rule.name if rule else "",
            )
        )
    return outcomes


def _number(case: Mapping[str, object], key: str) -> float:
    value = case[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise rules.RuleError(f"case {case.get('name')!r}: {key} must be a number, not {value!r}")
    return float(value)


def _event(case: Mapping[str, object]) -> Event:
    sources = int(_number(case, "sources"))
    return Event(
        id="evt-case",
        type=str(case["type"]),
        also=(),
        status=EventStatus.SUSPECTED,
        phase=Phase(str(case["phase"])),
        probability=_number(case, "probability"),
        severity=_number(case, "severity"),
        countries=("XX",),
        items=("item",) if case["named"] else (),
        ports=(),
        chokepoints=(),
        firms=(),
        title=str(case.get("name", "")),
        first_seen=_AT,
        updated_at=_AT,
        evidence=tuple(Evidence(f"art-{n}", f"group-{n}", _AT) for n in range(sources)),
        detector="news",
        authority=bool(case["authority"]),
    )


def _exposure(case: Mapping[str, object]) -> Exposure:
    return Exposure(
        event_id="evt-case",
        item="item",
        origin="XX",
        use_id="use:item:1",
        industry="00000",
        ministries=(),
        share_at_risk=None if case["share"] == "unknown" else _number(case, "share"),
        magnitude=_number(case, "magnitude"),
        probability=_number(case, "probability"),
        impact_day=_number(case, "impact_day"),
        time_to_survive_days=_number(case, "time_to_survive_days"),
        time_to_recover_days=_number(case, "time_to_recover_days"),
        path=(),
    )
