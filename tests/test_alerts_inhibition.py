"""The larger explains the smaller, never the other way, never in a circle, and never alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.inhibition import Larger
from alerts.routes import RoutesError, load_routes, parse_routes
from alerts.routing import Routes, Spent, Told, release, route, told_of
from alerts.silences import urgency
from ews.model import Alert, AlertState, ChangeKind, Notification, Receiver, RouteReason, Stage
from tests.alert_samples import NOW, change, urea_alert

SHIPPED = load_routes().inhibitions
CONSOLE = Receiver("console", "console", "-")
ROUTES = Routes((CONSOLE,), SHIPPED)
NOBODY = Told({})


def strait(**facts: object) -> Alert:
    known: dict[str, object] = {
        "id": "alr-strait", "type": "logistics_disruption", "countries": (), "stage": Stage.CAUTION,
        "chokepoints": ("hormuz",), "items": ("lng", "crude-oil"),
        "raised_at": NOW - timedelta(hours=1),
    }  # fmt: skip
    return urea_alert(**{**known, **facts})  # type: ignore[arg-type]


def price(**facts: object) -> Alert:
    known: dict[str, object] = {
        "id": "alr-price", "type": "price_shock", "countries": (), "items": ("lng",),
    }  # fmt: skip
    return urea_alert(**{**known, **facts})  # type: ignore[arg-type]


def explained(target: Alert, *firing: Alert) -> list[str]:
    return [source.id for source, _ in Larger([*firing, target], SHIPPED).explaining(target)]


def test_a_blocked_strait_explains_the_price_of_what_passes_it() -> None:
    assert explained(price(), strait()) == ["alr-strait"]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (strait(), price(items=("lng", "helium"))),  # reaches an item more
        (strait(), price(items=())),  # reaches nothing that could be compared
        (strait(), price(chokepoints=("suez",))),  # another strait's
        (strait(stage=Stage.WATCH), price(stage=Stage.WATCH)),  # the source is too low
        (strait(), price(stage=Stage.ALERT)),  # the target is higher
        (strait(), price(proposed=Stage.ALERT)),  # or will be, when signed
        (strait(state=AlertState.RESOLVED), price()),  # over
        (strait(type="sanctions"), price(type="sanctions")),  # no rule
    ],
)
def test_what_it_does_not_explain(source: Alert, target: Alert) -> None:
    assert explained(target, source) == []


def test_an_alert_never_explains_itself() -> None:
    both = price(type="shortage_or_allocation", chokepoints=("hormuz",))
    assert explained(strait(), strait()) == []
    assert explained(both, both) == []


def tell(*alerts: Alert) -> list[Notification]:
    """Each is told to the console, before there was anything larger."""
    return [n for a in alerts for n in route([change(alert=a)], ROUTES, (), Spent(), NOW, NOBODY)]


def test_the_held_one_says_by_what_it_is_explained_and_speaks_when_that_ends() -> None:
    source, told = strait(), tell(strait())
    held = route([change(alert=price())], ROUTES, (), Spent(), NOW, told_of(told), [source])
    assert [n.reason for n in held] == [RouteReason.HELD_BY_INHIBITION]
    assert "alr-strait" in held[0].why
    later = NOW + timedelta(hours=2)
    assert release([source, price()], ROUTES, (), [*told, *held], Spent(), later) == []
    (step,) = release([price()], ROUTES, (), held, Spent(), later)
    assert (step.kind, step.receivers) == (ChangeKind.RELEASED, ("console",))


def test_both_in_one_cycle_tell_the_larger_only() -> None:
    out = route([change(alert=price()), change(alert=strait())], ROUTES, (), Spent(), NOW, NOBODY)
    assert [(n.alert_id, n.reason.sent) for n in out] == [
        ("alr-strait", True),
        ("alr-price", False),
    ]


def test_a_receiver_that_was_not_told_the_larger_is_told_the_smaller() -> None:
    out = route([change(alert=price())], ROUTES, (), Spent(), NOW, NOBODY, [strait()])
    assert [n.reason for n in out] == [RouteReason.FIRST]


def test_the_end_of_what_was_told_is_told_though_explained() -> None:
    both, source = told_of(tell(price(), strait())), strait()
    end = change(ChangeKind.RESOLVED, price(state=AlertState.RESOLVED, revision=2), Stage.CAUTION)
    out = route([end], ROUTES, (), Spent(), NOW, both, [source])
    assert [n.reason for n in out] == [RouteReason.RESOLVED]
    update = change(ChangeKind.UPDATED, price(revision=2), Stage.CAUTION)
    out = route([update], ROUTES, (), Spent(), NOW, both, [source])
    assert [n.reason for n in out] == [RouteReason.HELD_BY_INHIBITION]


# --------------------------------------------------------------------------- no circles

CIRCLE = parse_routes("""
[[inhibit]]
name = "a-b"
source = { type = "a" }
target = { type = "b" }
equal = ["item"]
[[inhibit]]
name = "b-c"
source = { type = "b" }
target = { type = "c" }
equal = ["item"]
[[inhibit]]
name = "c-a"
source = { type = "c" }
target = { type = ["a", "c"] }
equal = ["item"]
""").inhibitions

alerts = st.builds(
    lambda n, type, stage, items, hours: urea_alert(
        stage, id=f"alr-{n}", type=type, items=tuple(items), raised_at=NOW + timedelta(hours=hours)
    ),
    st.integers(0, 30), st.sampled_from("abc"), st.sampled_from(Stage),
    st.sets(st.sampled_from(["x", "y", "z"]), min_size=1), st.integers(-3, 3),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(alerts, max_size=12, unique_by=lambda a: a.id))
def test_whatever_the_rules_say_each_chain_of_explanations_ends_at_one_that_is_told(
    firing: list[Alert],
) -> None:
    larger = Larger(firing, CIRCLE)
    by = {alert.id: [s for s, _ in larger.explaining(alert)] for alert in firing}
    for alert in firing:
        for source in by[alert.id]:
            assert source.id != alert.id
            assert source.stage >= urgency(alert)
            assert set(alert.items) <= set(source.items)
            assert alert.id not in {s.id for s in by[source.id]}
        seen, at = set(), alert
        while by[at.id]:
            assert at.id not in seen, "a circle"
            seen.add(at.id)
            at = by[at.id][0]
    routes = Routes((CONSOLE,), CIRCLE)
    out = route([change(alert=a) for a in firing], routes, (), Spent(), NOW, NOBODY)
    assert len(out) == len(firing)
    assert any(n.reason.sent for n in out) or not firing
    assert all(n.reason.sent for n in out if not by[n.alert_id])


# --------------------------------------------------------------------------- the file


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("target={type='b'}\nequal=['item']", "source"),
        ("source={type='a'}\ntarget={type='b'}\nequal=[]", "equal"),
        ("source={type='a'}\ntarget={type='b'}\nequal=['colour']", "equal"),
        ("source={colour='a'}\ntarget={type='b'}\nequal=['item']", "table of"),
        ("source={type=1}\ntarget={type='b'}\nequal=['item']", "lists of texts"),
        ("source={stage='주의'}\ntarget={type='b'}\nequal=['item']", "matcher"),
        ("source={type='a'}\ntarget={type='b', stage='주의'}\nequal=['item']", "only source"),
        ("source={type='a', stage='loud'}\ntarget={type='b'}\nequal=['item']", "관심"),
    ],
)
def test_a_wrong_rule_is_loud(row: str, says: str) -> None:
    with pytest.raises(RoutesError, match=says):
        parse_routes(f"[[inhibit]]\nname='x'\n{row}")


def test_own_routes_without_a_word_of_it_keep_the_shipped_rules_and_none_can_be_said() -> None:
    assert parse_routes("").inhibitions == SHIPPED
    assert parse_routes("inhibit = []").inhibitions == ()
    assert {rule.name for rule in SHIPPED} >= {"strait", "disaster", "measure"}
