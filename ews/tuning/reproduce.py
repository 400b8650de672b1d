"""Is a past alert reproduced bit for bit, from its rule set, its evidence and its moment?

The change on record is made again by the functions that made it, and its JSON is held against the
record byte for byte. Where asked, so are the paths (by the network of now) and the tags (by the
model that gave them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.contents import Reported
from ews.judging import code_version, members_of
from ews.model import AlertChange, Article, Event, Exposure, TaggedArticle
from ews.storage import Store
from ews.storage.codec import dump, load, to_json
from ews.tuning.past import Past
from ews.tuning.remaking import CannotTry, Given, paths, remake
from graph import Network
from nlp import folding
from nlp.classifier import Classifier
from nlp.mentions import find_mentions

AFTER = timedelta(microseconds=1)  # `until` is left out of what a store gives
MODELS = Callable[[str], Classifier | None]  # the classifier of that version, where it is there


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that came out otherwise."""

    field: str
    recorded: str
    computed: str


@dataclass(frozen=True, slots=True)
class Held:
    """Things made again and held against the record: paths of events, or tags of articles."""

    tried: int
    same: int
    other: tuple[str, ...] = ()  # ids of those that came out otherwise
    missing: int = 0  # could not be tried: no model, no text, nothing kept
    by: tuple[str, ...] = ()  # versions of what made them again


@dataclass(frozen=True, slots=True)
class Reproduced:
    """What became of one change when it was made again."""

    alert: str
    revision: int
    kind: str
    at: datetime
    decided_by: str  # rules | person | sight | clock; "" where it could not be tried
    equal: bool | None  # None: it could not be tried
    ruleset: int | None = None
    inputs: str = ""  # kept | rebuilt; "" where no rules decided
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()  # keys of NOTES
    why: str = ""  # why it could not be tried
    paths: Held | None = None
    tags: Held | None = None


# What a reader has to know of an answer, in Korean and English.
NOTES = {
    "rebuilt": (
        "규칙에 들어간 것이 남아 있지 않아(이전 판의 ews) 그때의 판들로 다시 모았음",
        "what went into the rules was not kept (an older ews); it was put together from revisions",
    ),
    "older_record": (
        "기록은 이전 판의 ews가 쓴 것이라 그 뒤에 생긴 항목이 없음. 있는 항목은 모두 같음",
        "the record was written by an older ews and lacks fields added since; all it has are equal",
    ),
    "other_network": (
        "경로를 계산한 공급망이 지금 것과 판이 다름",
        "the network that the paths were computed on is of another version than that of now",
    ),
    "other_code": (
        "그 뒤 규칙의 코드나 참조 자료가 바뀌었음",
        "the code of the rules, or their reference data, has changed since",
    ),
    "unexplained": (
        "들어간 것도 코드도 그때와 같은데 결과가 다름: 결함이므로 운영자에게 알릴 것",
        "what went in and the code are as they were then and the result differs: a fault, tell "
        "the operator",
    ),
    "sight": (
        "볼 수 없게 되었는지의 판단 자체는 다시 하지 않음(수집 기록으로 확인)",
        "whether it could be seen is not decided again (see `ews blind` and the fetches on record)",
    ),
    "clock": (
        "받는 곳은 그 판이 실제로 나간 기록과 맞추어 봄",
        "the receivers are held against those to whom that revision was sent",
    ),
}  # fmt: skip


def reproduce(
    store: Store,
    network: Network | None,
    alert_id: str,
    *,
    revision: int | None = None,
    as_of: datetime | None = None,
    models: MODELS | None = None,
) -> Reproduced:
    """The newest change of the alert (or that of the revision, or the newest as of then), made again.

    LookupError when there is no such alert, revision or change.
    """
    change = chosen(store.changes(alert_id=alert_id), alert_id, revision, as_of)
    past = Past.of(store, store.changes(until=change.at + AFTER))
    return Again(past, network, models).of(change)


def chosen(
    changes: Sequence[AlertChange], alert_id: str, revision: int | None, as_of: datetime | None
) -> AlertChange:
    """The change that is asked for."""
    found = [
        one for one in changes
        if (revision is None or one.alert.revision == revision)
        and (as_of is None or one.at <= as_of)
    ]  # fmt: skip
    if not found:
        raise NotFound(f"alert {alert_id!r} has no such change; `ews explain` lists its changes")
    return found[-1]


class NotFound(LookupError):
    """No such alert or change; the message says what to do."""


@dataclass(frozen=True)
class Again:
    """Makes changes again, many over one reading of the past."""

    past: Past
    network: Network | None = None
    models: MODELS | None = None

    def of(self, change: AlertChange) -> Reproduced:
        alert = change.alert
        found = Reproduced(alert.id, alert.revision, change.kind.value, change.at, "", None)
        try:
            remade = remake(self.past, change, self.network)
        except CannotTry as error:
            return replace(found, why=str(error))
        recorded = _recorded(self.past.store, change)
        differences = _compared(recorded, remade.change)
        equal = not differences
        notes = [remade.decided_by] if remade.decided_by in NOTES else []
        if equal and remade.change is not None and to_json(remade.change) != recorded:
            notes.append("older_record")
        found = replace(
            found, decided_by=remade.decided_by, equal=equal, differences=differences,
            notes=tuple(notes),
        )  # fmt: skip
        return found if remade.given is None else self._with_inputs(found, change, remade.given)

    def _with_inputs(self, found: Reproduced, change: AlertChange, given: Given) -> Reproduced:
        """What went in, and whether that is as it would be computed now."""
        mine = [one for one in given.reports if one[0].id in members_of(change.alert)]
        notes = [*found.notes, *_reservations(given, found.equal, self.network)]
        return replace(
            found,
            ruleset=given.ruleset.version,
            inputs="kept" if given.kept else "rebuilt",
            notes=tuple(notes),
            paths=self._paths(mine) if given.kept else None,
            tags=self._tags([event for event, _ in mine], change.at) if self.models else None,
        )

    def _paths(self, reports: Sequence[Reported]) -> Held | None:
        """The paths of each event, computed on the network of now."""
        if self.network is None:
            return None
        other = [e.id for e, kept in reports if not self._same_paths(e, kept, self.network)]
        version = str(self.network.graph["version"])
        return Held(len(reports), len(reports) - len(other), tuple(other), 0, (version,))

    def _same_paths(self, event: Event, kept: Sequence[Exposure], network: Network) -> bool:
        """By the event as the rules saw it, or as that revision was first saved: paths are computed
        once for a revision."""
        wanted = [to_json(one) for one in kept]
        if [to_json(one) for one in paths(event, network)] == wanted:
            return True
        saved = self.past.store.event_revisions(event.id)
        first = next((one for one in saved if one.revision == event.revision), event)
        return [to_json(one) for one in paths(first, network)] == wanted

    def _tags(self, events: Iterable[Event], at: datetime) -> Held:
        """The tags of every article behind the events, by the model that gave them."""
        store, models = self.past.store, self.models
        assert models is not None
        ids = {one.signal_id: event.model for event in events for one in event.evidence}
        given = {k: tagged for k, model in ids.items() if (tagged := self._tagged(k, model, at))}
        texts = store.articles(list(given))
        other: list[str] = []
        tried, versions = 0, sorted({one.model for one in given.values()})
        for version in versions:
            mine = [texts[k] for k, one in given.items() if one.model == version and k in texts]
            if not mine or (classifier := models(version)) is None:
                continue
            tried += len(mine)
            found = self._read_again(mine, given, classifier)
            other += [one.id for one in mine if not _alike(found.get(one.id), given[one.id])]
        same = tried - len(other)
        return Held(tried, same, tuple(other), len(ids) - tried, tuple(versions))

    def _read_again(
        self, mine: Sequence[Article], given: Mapping[str, TaggedArticle], classifier: Classifier
    ) -> dict[str, TaggedArticle]:
        """The tags by id; of an article that repeats another, those of the first as it takes them."""
        firsts = self.past.store.articles({given[one.id].folded or one.id for one in mine})
        read = {one.article_id: one for one in classifier.classify(list(firsts.values()))}
        found: dict[str, TaggedArticle] = {}
        for one in mine:
            first = given[one.id].folded or one.id
            tags = read.get(first)
            if tags is not None and first != one.id:
                tags = folding.taken(one, firsts[first], tags, find_mentions)
            if tags is not None:
                found[one.id] = tags
        return found

    def _tagged(self, article_id: str, model: str, at: datetime) -> TaggedArticle | None:
        """The tags of then. A replay classifies a day at its end, so those of the event's model
        count too."""
        store = self.past.store
        found = store.tagged_as_of(article_id, at) or store.tagged(article_id)
        return found if found is not None and found.model == model else None


def _alike(now: TaggedArticle | None, then: TaggedArticle) -> bool:
    """Byte for byte; what was not read then (a model gained it since) is left out."""
    return now is not None and to_json(then) == to_json(
        now if then.relevance is not None else replace(now, relevance=None)
    )


def _reservations(given: Given, equal: bool | None, network: Network | None) -> list[str]:
    """What has to be said of what went in."""
    if given.kept is None:
        return ["rebuilt"]
    notes = []
    version = None if network is None else str(network.graph["version"])
    if version and given.kept.network and version != given.kept.network:
        notes.append("other_network")
    if given.kept.code != code_version():
        return [*notes, "other_code"]
    return notes if equal else [*notes, "unexplained"]


def _recorded(store: Store, change: AlertChange) -> str:
    """The change as the audit has it, which nobody writes twice; else as the table has it."""
    wanted = str(change.alert.revision)
    rows = store.audit_rows(subject=change.alert.id, until=change.at)
    bodies = (row.body for row in rows if row.kind == "change" and row.at == change.at)
    mine = (body for body in bodies if _fields(body)["alert.revision"] == wanted)
    return next(mine, to_json(change))


def _compared(recorded: str, made: AlertChange | None) -> tuple[Difference, ...]:
    """Each field of the record that came out otherwise, byte for byte. A record of an older ews
    lacks fields that alerts have gained since."""
    old = _fields(recorded)
    if made is None:
        return (Difference("change", old["kind"].strip('"'), "none"),)
    new = _fields(to_json(made))
    return tuple(
        Difference(name, value, new.get(name, ""))
        for name, value in old.items()
        if value != new.get(name)
    )


def _fields(text: str) -> dict[str, str]:
    """Each field of a change, those of its alert as `alert.<field>`."""
    plain = load(text)
    alert = plain.pop("alert", {})
    assert isinstance(alert, dict)
    flat = {**plain, **{f"alert.{name}": value for name, value in alert.items()}}
    return {name: dump(value) for name, value in flat.items()}
