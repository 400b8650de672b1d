"""Which texts teach the models, once a named analyst accepts them? Gathered, decided, exported.

Nothing trains by itself: accepted examples leave as labels, and whoever trains takes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.life import ActRefused
from ews.acting import NotFound, permitted
from ews.model import (
    Act,
    ActKind,
    Example,
    MentionKind,
    Person,
    ProposalState,
    RuleSet,
    TaggedArticle,
)
from ews.storage import Store
from ews.tuning import learning_examples as made
from ews.tuning.learning_judged import firm_people, judged_of
from ews.tuning.learning_missed import Missed, diagnose, texts_of
from ews.tuning.ledger_known import SAID
from ews.tuning.ledger_settling import settle
from ews.tuning.rules import in_force
from graph.reference import ITEMS
from nlp.taxonomy import NAMES

SUPERSEDED = "superseded"  # note of what a newer word on the same alert put away


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one gathering brought."""

    examples: int  # new
    superseded: int
    misses: int  # reports looked at


def gather(store: Store, now: datetime) -> Gathered:
    """Examples from everything that people said by now. Done again it writes nothing."""
    acts = _acts(store, now)
    settle(store, now, acts)  # what was said today counts today
    known = {one.id: one for one in store.examples()}
    found: list[Example] = []
    for one in judged_of(store, now):
        if (one.wrong is None and one.alert.id not in acts) or one.lead is None:
            continue
        tagged = store.tagged(one.lead.signal_id)
        example = made.of_alert(one, acts.get(one.alert.id, ()), tagged)
        if example is not None and store.article(example.article_id) is not None:
            found.append(example)
    reports = misses(store, now)
    for missed in reports:
        found += _of_missed(store, missed)
    new = [one for one in found if one.id not in known]
    for example in new:
        store.save_example(example)
    return Gathered(len(new), _superseded(store, found, known, now), len(reports))


def _acts(store: Store, now: datetime) -> dict[str, list[Act]]:
    """What people who are of no firm said of alerts, oldest first."""
    firms, found = firm_people(store), dict[str, list[Act]]()
    for act in store.acts(kinds=SAID, until=now):
        if act.alert_id and act.by not in firms:
            found.setdefault(act.alert_id, []).append(act)
    return found


def _of_missed(store: Store, missed: Missed) -> list[Example]:
    act = store.act(missed.act_id)
    assert act is not None
    texts = [(article.id, tagged) for article, tagged in texts_of(store, missed)]
    certain = missed.certain or len(texts) == 1
    return made.of_missed(act, texts, missed.items, certain)


def _superseded(
    store: Store, found: Sequence[Example], known: Mapping[str, Example], now: datetime
) -> int:
    """Put away open examples of alerts on which a newer word teaches something else."""
    newest = {one.alert_id: one.id for one in found if one.alert_id}
    old = [
        one for one in known.values()
        if one.state is ProposalState.OPEN and newest.get(one.alert_id, one.id) != one.id
    ]  # fmt: skip
    for one in old:
        store.save_example(_decided(one, ProposalState.REJECTED, "ews", now, SUPERSEDED))
    return len(old)


def misses(
    store: Store, now: datetime, ruleset: RuleSet | None = None, most: int | None = None
) -> list[Missed]:
    """Every report of a missed alert (or so many), and what became of what it tells of, newest
    first."""
    rules = ruleset or in_force(store, now)
    reports = store.acts(kinds=[ActKind.MISSED], until=now)
    return [diagnose(store, act, rules) for act in reports[::-1][:most]]


def accept_example(
    store: Store,
    id: str,
    person: Person,
    now: datetime,
    *,
    labels: Sequence[str] | None = None,
    relevant: bool | None = None,
    items: Sequence[str] | None = None,
    note: str = "",
) -> Example:
    """Take it as it should have been read, under a name. Labels given here were read by a person;
    without them those of the model stay out of what is exported. ActRefused where something that
    only a person can say is lacking, or it was decided before."""
    with store.begin() as tx:
        by = permitted(tx, person, ActKind.RULES).name
        example = _open(tx, id)
        asks = example.note
        if asks == made.TYPE_ASKED and labels is None:
            raise ActRefused("say which types are right: --labels TYPE,TYPE (none for no event)",
                             "맞는 유형을 적으십시오(사건이 없으면 none).")  # fmt: skip
        if asks == made.ITEMS_ASKED and items is None:
            raise ActRefused("say which items are right: --items ITEM,ITEM",
                             "맞는 품목을 적으십시오.")  # fmt: skip
        read = labels is not None or asks == ""
        taken = replace(
            example,
            labels=example.labels if labels is None else _types(labels),
            relevant=example.relevant if relevant is None else relevant,
            items=example.items if items is None else _items(items),
        )
        said = note.strip() if read else f"{made.LABELS_UNREAD}: {note.strip()}".rstrip(": ")
        taken = _decided(taken, ProposalState.ACCEPTED, by, now, said)
        tx.save_example(taken)
        for other in tx.examples(ProposalState.OPEN):
            if asks == made.CHOICE and other.source == example.source:
                tx.save_example(_decided(other, ProposalState.REJECTED, by, now, made.CHOICE))
    return taken


def reject_example(store: Store, id: str, person: Person, now: datetime, reason: str) -> Example:
    """It teaches nothing; why is kept."""
    with store.begin() as tx:
        by = permitted(tx, person, ActKind.RULES).name
        reasoned(reason)
        rejected = _decided(_open(tx, id), ProposalState.REJECTED, by, now, reason.strip())
        tx.save_example(rejected)
    return rejected


def exported(store: Store) -> list[dict[str, object]]:
    """Accepted examples whose labels a person read, as rows of nlp/data/labels-*.jsonl: ids and
    labels, never the text. What nobody read is the model's own, and `unread` names it."""
    accepted = [one for one in _accepted(store) if not one.note.startswith(made.LABELS_UNREAD)]
    return [_label_row(one, store.tagged(one.article_id)) for one in accepted]


def relevance_rows(store: Store) -> list[dict[str, object]]:
    """Accepted examples of which somebody said whether they matter to Korea, as rows of
    nlp/data/relevance-*.jsonl."""
    accepted = [one for one in _accepted(store) if one.relevant is not None]
    articles = store.articles({one.article_id for one in accepted})
    return [
        {"id": one.id, "feed": articles[one.article_id].source, "articles": [one.article_id],
         "relevant": float(bool(one.relevant)), "reader": "feedback"}
        for one in accepted
    ]  # fmt: skip


def _accepted(store: Store) -> list[Example]:
    """Each text once, as decided last."""
    found = sorted(
        store.examples(ProposalState.ACCEPTED), key=lambda one: (one.decided_at or one.at, one.id)
    )
    return list({one.article_id: one for one in found}.values())


def _label_row(one: Example, tagged: TaggedArticle | None) -> dict[str, object]:
    event = bool(one.labels) and tagged is not None
    return {
        "id": one.article_id,
        "labels": list(one.labels),
        "severity": min(3, max(0, round(tagged.severity))) if tagged and event else 0,
        "phase": tagged.phase.value if tagged and event and tagged.phase else None,
        "countries": list(tagged.codes(MentionKind.COUNTRY)) if tagged and event else [],
        "items": list(one.items),
        "sure": False,
        "drawn": "feedback",
        "unread": ["severity", "phase", "countries"] if event else [],
        "example": one.id,
    }


def as_lines(rows: Iterable[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def find_example(store: Store, id: str) -> Example:
    """By id or a unique beginning of it."""
    alike = [one for one in store.examples() if one.id.startswith(id)] if id else []
    exact = [one for one in alike if one.id == id] or alike
    if len(exact) != 1:
        raise NotFound(f"{'several examples begin' if exact else 'no example begins'} with "
                       f"{id[:40]!r}; `ews learn list` lists them",
                       f"{id[:40]!r}: 그런 예시가 없거나 여럿입니다.")  # fmt: skip
    return exact[0]


def _open(tx: Store, id: str) -> Example:
    example = find_example(tx, id)
    if example.state is not ProposalState.OPEN:
        raise decided_before(example.state, example.decided_by)
    return example


def _decided(
    one: Example, state: ProposalState, by: str, now: datetime, note: str
) -> Example:  # fmt: skip
    return replace(one, state=state, decided_by=by, decided_at=now, note=note)


def decided_before(state: ProposalState, by: str) -> ActRefused:
    ko = {"accepted": "받아들임", "rejected": "물리침"}[state.value]
    return ActRefused(
        f"this was {state.value} before, by {by}", f"이미 {by} 님이 정했습니다: {ko}."
    )


def reasoned(reason: str) -> None:
    if not reason.strip():
        raise ActRefused("say why: --reason TEXT", "까닭을 적으십시오.")


def _types(labels: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(one.strip() for one in labels if one.strip() not in ("", "none")))
    for one in found:
        if one not in NAMES:
            raise ActRefused(f"{one[:40]!r} is no event type; use none, {', '.join(NAMES)}",
                             f"{one[:40]!r}: 그런 유형이 없습니다.")  # fmt: skip
    return found


def _items(items: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(one.strip() for one in items if one.strip()))
    for one in found:
        if one not in ITEMS:
            raise ActRefused(f"{one[:40]!r} is none of our items (graph/data/items.csv)",
                             f"{one[:40]!r}: 그런 품목이 없습니다.")  # fmt: skip
    return found
