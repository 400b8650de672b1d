"""What would we have known, told and to whom, had ews run then? A case through the real pipeline.

The case is played in a throw-away store; what is shown is read from that store alone, beside the
facts of the case and what history says, which the replay never reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

from alerts.routing import Routes
from ews.model import Article, Case, TaggedArticle, utc
from ews.pipeline import Pipeline, Rooms
from ews.storage import Store
from ews.tuning import case_figures, cases
from ews.tuning.casebook import shipped, tables
from ews.tuning.references import episode_of, plain_link
from ews.tuning.replay import Progress, replay
from ews.tuning.timeline_reading import GAP, read_timeline
from ews.tuning.timeline_rows import Happened, Script, Setting, Timeline
from nlp.classifier import Classifier

MEMORY = "sqlite://"


def script(name: str) -> Script:
    """A shipped crisis or quiet week. CaseError for another name."""
    values = case_figures.figures(name)
    signals = sorted([*cases.load(name), *values], key=lambda s: (s.available_at, s.id))
    facts = sorted([*cases.facts(name), *case_figures.facts(values)],
                   key=lambda fact: (fact.available_at, fact.row))  # fmt: skip
    if name in cases.quiet():
        return Script(name, "quiet", f"Quiet week {facts[0].row[:10]}",
                      f"조용한 주 {facts[0].row[:10]}", signals, facts)  # fmt: skip
    table = tables()[name]
    return Script(
        name, "crisis", str(table["name_en"]), str(table["name_ko"]), signals, facts,
        next(one for one in shipped() if one.id == name), _at(str(table["onset"])),
        _happened(table.get("reactions")), _happened(table.get("reality")),
        history=case_figures.history(name),
    )  # fmt: skip


def case_script(store: Store, case: Case, days: int = 14) -> Script:
    """A case that an analyst keeps, from the signals of its window that the store holds, to `days`
    after its reference time. Texts that the first pass skipped tell nothing and are left out.
    CaseError when nothing is there."""
    row = episode_of(case.body)
    until = min(row.ends, row.reference_time + timedelta(days=days))
    texts = store.read_texts(row.starts, until)
    values = [one for one in store.observations(until, since=row.starts - timedelta(days=60))
              if one.available_at >= row.starts]  # fmt: skip
    if not texts and not values:
        raise cases.CaseError(
            f"{case.id}: this home holds no signal of {row.starts.date()}..{until.date()}; play "
            "recorded feeds of that time into it with `ews replay`"
        )
    own = [one for one, _ in texts if plain_link(one.url) in row.links
           or row.query.finds(one.title, one.text)]  # fmt: skip
    reaction = case.body.get("historical_reaction")
    reactions: tuple[Happened, ...] = ()
    if isinstance(reaction, Mapping):
        said = str(reaction["who"])
        reactions = (Happened(_at(str(reaction["date"])), said, said, str(reaction["source"]), True,
                              hour_assumed=len(str(reaction["date"])) == 10),)  # fmt: skip
    return Script(
        case.id, "case", row.name, str(case.body.get("name_ko") or row.name),
        sorted([*(one for one, _ in texts), *values], key=lambda s: (s.available_at, s.id)), [_fact(one) for one in own], row,
        _at(str(case.body["onset"])), reactions, (), {one.id: tagged for one, tagged in texts},
    )  # fmt: skip


def _fact(article: Article) -> cases.Fact:
    return cases.Fact(
        article.id, article.observed_at, article.available_at, "news", article.title,
        article.title, article.outlet, article.url, (article.id,), None, "", "",
    )  # fmt: skip


def play(
    script: Script, rooms: Rooms, by: Setting, home: Path, progress: Progress | None = None
) -> Timeline:
    """The script through the pipeline of these rooms, in a store of its own in memory; `home` is a
    folder that may be thrown away."""
    store = Store.open(home, MEMORY)
    try:
        with store.begin() as tx:
            tx.save_ruleset(replace(by.ruleset, version=1, created_at=datetime(2000, 1, 1, tzinfo=UTC),
                                    in_force_at=None))  # fmt: skip
        pipeline = _Deciding(store, _quiet(rooms, by.routes, script))
        for first, last in stretches(signal.available_at.date() for signal in script.signals):
            part = [s for s in script.signals if first <= s.available_at.date() <= last]
            replay(pipeline, part, first, last, feeds=[f"case {script.name} {first}"],
                   history=script.history, progress=progress)  # fmt: skip
        return read_timeline(store, script, by)
    finally:
        store.close()


class _Deciding(Pipeline):
    """The live pipeline up to the outbox. Who is told, and who is not and why, is decided there;
    putting it into words and sending it would take most of the time and change nothing."""

    def deliver(self, now: datetime, clock: Callable[[], datetime] | None = None) -> int:
        return 0


class _KnownTags:
    """Tags that a store has already; only other texts go to the model."""

    def __init__(self, known: Mapping[str, TaggedArticle], model: Classifier) -> None:
        self.version = model.version
        self._known, self._model = known, model

    def classify(self, articles: Sequence[Article]) -> list[TaggedArticle]:
        new = [one for one in articles if one.id not in self._known]
        read = {one.article_id: one for one in self._model.classify(new)} if new else {}
        return [self._known[one.id] if one.id in self._known else read[one.id] for one in articles]


def _quiet(rooms: Rooms, routes: Routes, script: Script) -> Rooms:
    """The rooms without channels. Who is told of what stays the same; nobody is on duty in the
    past, so that no person is called and no digest is written."""
    receivers = tuple(
        replace(one, people=(), ack_within_min={}, digests=()) for one in routes.receivers
    )
    reader = _KnownTags(script.tags, rooms.classifier) if script.tags else rooms.classifier
    return replace(rooms, classifier=reader, routes=replace(routes, receivers=receivers),
                   channels={}, sources=())  # fmt: skip


def stretches(days: Iterable[date], gap: int = GAP) -> list[tuple[date, date]]:
    """Stretches of days with signals, each with the days in which its alerts can end; what lies
    between them has nothing to play.

    >>> stretches([date(2023, 1, 1), date(2023, 1, 20), date(2023, 6, 1)], gap=32)[1]
    (datetime.date(2023, 6, 1), datetime.date(2023, 7, 2))
    """
    runs: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if runs and (day - runs[-1][1]).days <= gap:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return [(first, last + timedelta(days=gap - 1)) for first, last in runs]


def _happened(rows: object) -> tuple[Happened, ...]:
    return tuple(
        Happened(
            _at(str(row["date"])), str(row["en"]), str(row["ko"]), str(row["source"]),
            bool(row.get("meets")), bool(row.get("shortage")), len(str(row["date"])) == 10,
        )
        for row in cast("Sequence[Mapping[str, object]]", rows or ())
    )  # fmt: skip


def _at(text: str) -> datetime:
    """A bare day of a Korean page stands for 12:00 KST, as in the case files."""
    moment = utc(text)
    return moment + cases.ASSUMED_HOUR if len(text) == len("2021-10-11") else moment
