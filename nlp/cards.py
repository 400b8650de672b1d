"""Report cards: what one rival says of labelled rows, against what their readers said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ews.model import Article, MentionKind
from nlp import metrics
from nlp.labelled import PHASE_NAMES, Judged
from nlp.mentions import find_mentions
from nlp.metrics import Flags, Floats, Resample
from nlp.taxonomy import NAMES

PREVALENCE = 0.03  # events in a world news stream, about
LEAST_ROWS = 20  # smaller sources and years are not scored alone
LEAST_SPOKEN = 5  # nor smaller languages
LEAST_OF_LABEL = 10  # rows of a label that counts in macro-F1
SURE = 0.5  # a linked country counts from this confidence on
NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
ANY = "any event"

Key = Callable[[Judged], str]


@dataclass(frozen=True, slots=True)
class Guess:
    """What one rival says: probabilities of the labels (rows x 17) and of any event (rows)."""

    labels: Floats
    event: Floats
    lines: Floats  # label thresholds, 17
    event_line: float
    severity: Floats | None = None  # 0..3
    phase: NDArray[np.int64] | None = None  # place in PHASE_NAMES
    direction: NDArray[np.int64] | None = None  # 1 up, -1 down, 0 not said

    @property
    def said(self) -> Flags:
        return self.labels >= self.lines

    @property
    def said_event(self) -> Flags:
        return self.event >= self.event_line

    def take(self, chosen: Flags) -> Guess:
        return Guess(
            self.labels[chosen],
            self.event[chosen],
            self.lines,
            self.event_line,
            None if self.severity is None else self.severity[chosen],
            None if self.phase is None else self.phase[chosen],
            None if self.direction is None else self.direction[chosen],
        )


@dataclass(frozen=True, slots=True)
class Truth:
    """What the readers said, as arrays over the rows, and the bootstrap draws of their groups."""

    labels: Flags  # rows x 17
    event: Flags
    severity: Floats  # NaN where not given
    phase: NDArray[np.int64]  # place in PHASE_NAMES, -1 where not given
    direction: NDArray[np.int64]  # 1 up, -1 down, 0 not given
    countries: Floats  # rows x 3: linked rightly, linked, labelled; NaN where not given
    natural: Flags  # drawn at random from a stream
    groups: NDArray[np.str_]

    @classmethod
    def of(cls, rows: Sequence[Judged], link: bool = True) -> Truth:
        """Arrays of the rows; `link` also runs the country linker on the event rows."""
        plain = [one.row for one in rows]
        labels = np.array([[name in row.labels for name in NAMES] for row in plain], bool)
        labels = labels.reshape(len(plain), len(NAMES))
        none = [np.nan] * 3
        counts = [country_counts(one) if link and one.row.labels else none for one in rows]
        return cls(
            labels,
            np.asarray(labels.any(1)),
            np.array([float(o.row.severity) if "severity" in o.told else np.nan for o in rows]),
            np.array([PHASE_NAMES.index(r.phase) if r.phase and r.labels else -1 for r in plain]),
            np.array([{"up": 1, "down": -1}.get(r.direction or "", 0) for r in plain]),
            np.array(counts, float).reshape(len(plain), 3),
            np.array([row.drawn == "natural" for row in plain], bool),
            np.array([row.group or row.id for row in plain], dtype=str),
        )

    def take(self, chosen: Flags) -> Truth:
        return Truth(*(getattr(self, field.name)[chosen] for field in fields(self)))


def country_counts(one: Judged) -> list[float]:
    """Countries linked rightly, linked, and labelled; NaN when the file gives none for the row."""
    if "countries" not in one.told:
        return [np.nan] * 3
    row = one.row
    article = Article(
        id=row.id, source="labels", outlet="", url="", title=row.title, text=row.text,
        lang=row.lang, observed_at=NO_DATE, available_at=NO_DATE,
    )  # fmt: skip
    found = {
        mention.code
        for mention in find_mentions(article)
        if mention.kind is MentionKind.COUNTRY and mention.role == "hit"
        and mention.confidence >= SURE
    } - {"EU"}  # fmt: skip
    labelled = {*row.countries} - {"EU"}  # the readers leave the Union out
    return [float(len(found & labelled)), float(len(found)), float(len(labelled))]


# ------------------------------------------------------------------------------------ one card


def card(guess: Guess, true: Truth, link: bool = False) -> dict[str, object]:
    """Every score of one rival, each with its 95% interval (`..._95`).

    Not given by the file or the rival: left out. `link`: the country linker's score too, which is
    the same for every rival.
    """
    draws = Resample.over(true.groups.tolist())
    said, happened = guess.said, true.event
    counted = np.flatnonzero(true.labels.sum(0) >= LEAST_OF_LABEL)
    seen = np.flatnonzero(true.labels.any(0))
    called = guess.said_event
    found: dict[str, Floats] = {
        "micro_f1": metrics.f1s(draws, said, true.labels),
        "macro_f1": metrics.macro_f1s(draws, said[:, counted], true.labels[:, counted]),
        "macro_f1_all": metrics.macro_f1s(draws, said[:, seen], true.labels[:, seen]),
        "event_f1": metrics.f1s(draws, called[:, None], happened[:, None]),
        "event_precision": metrics.shares(draws, happened, called),
        "event_recall": metrics.shares(draws, called, happened),
        "event_ap_3": metrics.average_precisions(draws, guess.event, happened, PREVALENCE),
        "event_ece": metrics.calibration_errors(draws, guess.event, happened),
        "event_brier": metrics.briers(draws, guess.event, happened),
        "label_ece": metrics.calibration_errors(draws, guess.labels, true.labels),
    }
    found |= severity_and_phase(guess, true, draws)
    if link and (known := ~np.isnan(true.countries[:, 0])).any():
        sums = draws.keep(known).sums(true.countries[known])
        found["countries_f1"] = metrics.ratio(2 * sums[:, 0], sums[:, 1] + sums[:, 2])
    scores: dict[str, object] = {
        "rows": len(happened),
        "events": int(happened.sum()),
        "groups": int(draws.counts.shape[1]),
        "macro_labels": len(counted),
    }
    for name, values in found.items():
        value, interval = metrics.told(values)
        scores |= {name: value, f"{name}_95": interval}
    if guess.direction is not None and (wanted := true.direction != 0).any():
        right = guess.direction[wanted] == true.direction[wanted]
        scores |= {
            "direction_accuracy": round(float(right.mean()), 3),
            "direction_rows": int(wanted.sum()),
        }
    return scores


def severity_and_phase(guess: Guess, true: Truth, draws: Resample) -> dict[str, Floats]:
    """Kappa over all rows and over event rows; phase over event rows, and where both see one."""
    found: dict[str, Floats] = {}
    if guess.severity is not None and (known := ~np.isnan(true.severity)).any():
        for name, rows in (
            ("severity_kappa", known),
            ("severity_kappa_events", known & true.event),
        ):
            if rows.any():
                kept = draws.keep(rows)
                found[name] = metrics.kappas(kept, guess.severity[rows], true.severity[rows])
    if guess.phase is not None and (known := true.phase >= 0).any():
        right = guess.phase == true.phase
        found["phase_accuracy"] = metrics.shares(draws, right, known)
        found["phase_accuracy_agreed"] = metrics.shares(draws, right, known & guess.said_event)
    return found


def less_each(
    ours: Guess, rivals: Mapping[str, Guess], true: Truth
) -> dict[str, dict[str, object]]:
    """Micro-F1 less each rival's, with the interval of the paired difference."""
    draws = Resample.over(true.groups.tolist())
    mine = metrics.f1s(draws, ours.said, true.labels)
    found: dict[str, dict[str, object]] = {}
    for name, rival in rivals.items():
        value, interval = metrics.told(mine - metrics.f1s(draws, rival.said, true.labels))
        found[name] = {"micro_f1": value, "micro_f1_95": interval}
    return found


# ----------------------------------------------------------------------------- calibration


def reliability(probability: Floats, happened: Flags, groups: Sequence[str]) -> dict[str, object]:
    """ECE, Brier and the table behind a diagram: 10 equal bins of the probability."""
    draws = Resample.over(list(groups))
    ece, ece_95 = metrics.told(metrics.calibration_errors(draws, probability, happened))
    brier, brier_95 = metrics.told(metrics.briers(draws, probability, happened))
    place = metrics.bin_of(probability)
    bins = []
    for number in range(metrics.BINS):
        inside = place == number
        rows, true = int(inside.sum()), int(happened[inside].sum())
        low, high = metrics.wilson(true, rows)
        bins.append(
            {
                "from": number / metrics.BINS,
                "to": (number + 1) / metrics.BINS,
                "rows": rows,
                "true": true,
                "mean": round(float(probability[inside].mean()), 3) if rows else None,
                "seen": round(true / rows, 3) if rows else None,
                "seen_95": [round(low, 3), round(high, 3)],
            }
        )
    base = float(happened.mean())
    return {
        "rows": len(happened),
        "true": int(happened.sum()),
        "expected": round(float(probability.sum()), 1),
        "ece": ece,
        "ece_95": ece_95,
        "brier": brier,
        "brier_95": brier_95,
        "brier_of_base_rate": round(base * (1 - base), 3),
        "bins": bins,
    }


def calibration(guess: Guess, true: Truth, rows: Sequence[Judged]) -> dict[str, object]:
    """Of the rows drawn at random: any event and every type, together and per language."""
    stream = true.natural
    langs = sorted({one.row.lang for one, kept in zip(rows, stream, strict=True) if kept})
    spoken = np.array([one.row.lang for one in rows])
    found: dict[str, object] = {"rows": int(stream.sum())}
    for name, chosen in [("all", stream), *((x, stream & (spoken == x)) for x in langs)]:
        part, said = true.take(chosen), guess.take(chosen)
        types = {
            label: brief(reliability(said.labels[:, k], part.labels[:, k], part.groups.tolist()))
            for k, label in enumerate(NAMES)
        }
        found[name] = {
            ANY: reliability(said.event, part.event, part.groups.tolist()),
            "types": types,
        }
    return found


def brief(found: Mapping[str, object]) -> dict[str, object]:
    """Without the table of bins."""
    return {name: value for name, value in found.items() if name not in {"bins", "rows"}}


def triage(guess: Guess, true: Truth, band: tuple[float, float] | None) -> dict[str, object] | None:
    """Share of rows whose event probability lies in the band, and error rates in and outside."""
    if band is None:
        return None
    low, high = band
    inside = (guess.event >= low) & (guess.event < high)
    wrong = guess.said_event != true.event
    events = true.event

    def rate(chosen: Flags) -> float | None:
        return round(float(wrong[chosen].mean()), 3) if chosen.any() else None

    return {
        "from": low,
        "to": high,
        "share": round(float(inside.mean()), 3),
        "rows": int(inside.sum()),
        "events": int((events & inside).sum()),
        "error_inside": rate(inside),
        "error_outside": rate(~inside),
        "events_missed_outside": int((events & ~inside & ~guess.said_event).sum()),
    }


# ------------------------------------------------------------------------------ all of one set


def slices(
    guesses: Mapping[str, Guess],
    true: Truth,
    rows: Sequence[Judged],
    key: Key,
    least: int = LEAST_ROWS,
) -> dict[str, dict[str, object]]:
    """Cards of every rival per value of the key with that many rows or more; else the count."""
    found: dict[str, dict[str, object]] = {}
    values = np.array([key(one) for one in rows])
    for name in sorted(set(values.tolist())):
        chosen = values == name
        if chosen.sum() < least:
            found[name] = {"rows": int(chosen.sum())}
            continue
        part = true.take(chosen)
        found[name] = {
            rival: card(guess.take(chosen), part, link=rival == "ews")
            for rival, guess in guesses.items()
        }
    return found


def source_of(one: Judged) -> str:
    """Where the row comes from, without commit and path."""
    return one.row.source.split("@")[0].split(":")[0]


def year_of(one: Judged) -> str:
    return str(one.row.day.year) if one.row.day else "undated"


def report(
    guesses: Mapping[str, Guess],
    rows: Sequence[Judged],
    band: tuple[float, float] | None = None,
) -> dict[str, object]:
    """Everything measured on one set of rows. `guesses` holds "ews" and its rivals."""
    true, ours = Truth.of(rows), guesses["ews"]
    alone = {"ews": ours}
    found: dict[str, object] = {
        "rows": len(rows),
        "rivals": {n: card(g, true, link=n == "ews") for n, g in guesses.items()},
        "labels": {n: metrics.label_scores(g.said, true.labels, NAMES) for n, g in guesses.items()},
        "languages": slices(guesses, true, rows, lambda one: one.row.lang, LEAST_SPOKEN),
        "sources": slices(alone, true, rows, source_of),
        "years": slices(alone, true, rows, year_of),
    }
    if true.natural.any():
        found["calibration"] = calibration(ours, true, rows)
    if (banded := triage(ours, true, band)) is not None:
        found["triage"] = banded
    return found
