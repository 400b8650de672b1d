"""How well the stream puts items of one happening into one story, on gold read by hand.

`python -m nlp.storyscore [--json]` takes every item of the recorded feeds in the weeks around the
happenings of `nlp/data/gold/stories-v1.jsonl`, in order of time, through the shipped classifier and
`StoryIndex`, and scores where the gold items came to lie; figures go to `docs/bench/stories.json`.
`--stream` measures cost over a synthetic month instead. The `dev` half chose the weights; the
`held` half was only scored. Not used in service.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pickle
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from statistics import mean

from ews.model import Article, TaggedArticle, utc
from nlp.classifier import MODELS, SHIPPED, TransformerClassifier
from nlp.recorded import FEEDS, Text, feed
from nlp.stories import StoryIndex

GOLD = Path(__file__).parent / "data" / "gold" / "stories-v1.jsonl"
OUT = Path(__file__).parents[1] / "docs" / "bench" / "stories.json"
CACHE = Path(__file__).parents[1] / ".ews-storyscore"
MARGIN = timedelta(days=3)  # of the stream before the first and after the last gold item
MINIMUM = 0.4  # alerts/rules.toml, news.min_probability
DRAWS = 1000  # bootstrap samples over happenings
PLACING = ("story", "stories", "nearness", "wires")  # modules that see an article once it is read
Tagged = tuple[Article, TaggedArticle]


@dataclass(frozen=True, slots=True)
class Happening:
    """One happening as read. `others` are look-alikes that do not tell it."""

    id: str
    feed: str
    half: str  # dev | held
    type: str
    members: tuple[str, ...]
    others: tuple[str, ...]
    windowed: bool  # more members lie outside the days that were read
    shown: tuple[str, ...]  # what the second reader was shown beside a seed, blind
    again: frozenset[str]  # those that the second reader puts with the seed


@dataclass(frozen=True, slots=True)
class Placing:
    """Where one gold item came to lie. Precision and recall are those of B-cubed."""

    id: str
    happening: str
    half: str
    feed: str
    lang: str
    placed: bool
    precision: float
    recall: float


def gold(path: Path = GOLD) -> list[Happening]:
    """The happenings of the file, in its order."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        second = raw.get("second", {"shown": [], "same": []})
        found.append(
            Happening(
                id=raw["story"],
                feed=raw["set"],
                half=raw["half"],
                type=raw["type"],
                members=tuple(raw["members"]),
                others=tuple(raw["not"]),
                windowed=bool(raw["window"]),
                shown=tuple(second["shown"]),
                again=frozenset(second["same"]),
            )
        )
    return found


# ---------------------------------------------------------------------- the stream


def stream(name: str, happenings: Sequence[Happening]) -> list[Article]:
    """Items of the feed in the weeks around its happenings, oldest first."""
    texts = list(feed(name))
    published = {text.id: utc(text.published) for text in texts}
    days: set[date] = set()
    for one in happenings:
        if one.feed == name:
            times = [published[item] for item in one.members]
            first, last = min(times) - MARGIN, max(times) + MARGIN
            days |= {(first + timedelta(d)).date() for d in range((last - first).days + 2)}
    kept = [as_article(text) for text in texts if published[text.id].date() in days]
    return sorted(kept, key=lambda article: (article.available_at, article.id))


def as_article(text: Text) -> Article:
    """A recorded item as the scrapers would give it; available when published."""
    at = utc(text.published)
    return Article(
        text.id, text.source, text.outlet, text.link, text.title, text.text, text.lang, at, at
    )


def classified(name: str, articles: Sequence[Article], folder: Path, cache: Path) -> list[Tagged]:
    """The articles that pass the first pass, tagged and linked as in service. The answers are kept
    in `cache` until the model, the code or the names of this room change."""
    kept = cache / f"{name}-{fingerprint(folder)}.pickle"
    known: dict[str, TaggedArticle] = pickle.loads(kept.read_bytes()) if kept.is_file() else {}
    if missing := [article for article in articles if article.id not in known]:
        classifier = TransformerClassifier(folder)
        for start in range(0, len(missing), 512):
            answers = classifier.classify(missing[start : start + 512])
            known |= {tagged.article_id: tagged for tagged in answers}
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(known))
    return [(a, known[a.id]) for a in articles if not known[a.id].screened]


def fingerprint(folder: Path) -> str:
    """Of all that decides an answer: the model's manifest, the reading code, the names."""
    room = Path(__file__).parent
    found = hashlib.blake2b((folder / "manifest.json").read_bytes(), digest_size=6)
    names = [*room.glob("*.toml"), *(room / "data").glob("*.toml"), *(room / "data").glob("*.csv")]
    code = [p for p in room.glob("*.py") if not p.stem.startswith(PLACING)]
    for path in sorted([*names, *code]):
        found.update(path.read_bytes())
    return found.hexdigest()


def placed(tagged: Iterable[Tagged], index: StoryIndex, minimum: float = MINIMUM) -> dict[str, str]:
    """Story of each article that enters one, placed in the given order."""
    homes: dict[str, str] = {}
    today: date | None = None
    for article, tags in tagged:
        if today != (today := article.available_at.date()):
            index.close_before(article.available_at)
        if story := index.place(article, tags, minimum):
            homes[article.id] = story.id
    return homes


# ---------------------------------------------------------------------- B-cubed


def placings(
    happenings: Sequence[Happening],
    homes: Mapping[str, str],
    langs: Mapping[str, str],
    only: Collection[str] | None = None,
) -> list[Placing]:
    """One per gold item; an item without a story stands alone. `only` leaves others out.

    Two items count as apart when the reader of either happening says so: by listing one as a member
    and not the other. Two look-alikes that nobody compared do not count against each other.
    """
    of = {item: one for one in happenings for item in one.members}
    unlike: dict[str, list[Happening]] = defaultdict(list)
    for one in happenings:
        for item in one.others:
            unlike[item].append(one)
    items = [i for i in dict.fromkeys([*of, *unlike]) if only is None or i in only]
    sizes = Counter(of[item].id for item in items if item in of)
    together: dict[str, list[str]] = defaultdict(list)
    for item in items:
        together[homes.get(item, item)].append(item)
    found = []
    for item in items:
        mates = together[homes.get(item, item)]
        mine = of.get(item)
        if mine is not None:
            same = sum(of.get(mate) is mine for mate in mates)
            wrong = sum(
                of[mate] is not mine if mate in of else mine in unlike[mate] for mate in mates
            )
            recall = same / sizes[mine.id]
        else:
            same, recall, mine = 1, 1.0, unlike[item][0]
            wrong = sum(of[mate] in unlike[item] for mate in mates if mate in of)
        found.append(
            Placing(
                item,
                mine.id,
                mine.half,
                mine.feed,
                langs.get(item, ""),
                item in homes,
                same / (same + wrong),
                recall,
            )
        )
    return found


def b_cubed(found: Sequence[Placing]) -> dict[str, float]:
    """Precision, recall and F1, to four places."""
    precision, recall = mean(p.precision for p in found), mean(p.recall for p in found)
    f1 = 2 * precision * recall / (precision + recall)
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def pairs_met(
    happenings: Sequence[Happening], homes: Mapping[str, str], langs: Mapping[str, str]
) -> dict[str, float]:
    """Korean-English pairs of one happening that lie in one story, and happenings with any."""
    met = total = some = count = 0
    for one in happenings:
        korean = [item for item in one.members if langs.get(item) == "ko"]
        english = [item for item in one.members if langs.get(item) == "en"]
        if korean and english:
            hits = sum(homes.get(k, k) == homes.get(e, e) for k in korean for e in english)
            met, total = met + hits, total + len(korean) * len(english)
            some, count = some + (hits > 0), count + 1
    return {
        "pairs": total,
        "met": round(met / total, 4) if total else 0.0,
        "happenings": count,
        "happenings_met": round(some / count, 4) if count else 0.0,
    }


def interval(
    happenings: Sequence[Happening], measure: Callable[[Sequence[Happening]], float]
) -> tuple[float, float]:
    """95% interval of the measure over happenings drawn again and again."""
    rng = random.Random(3)
    drawn = sorted(measure(rng.choices(happenings, k=len(happenings))) for _ in range(DRAWS))
    return round(drawn[DRAWS // 40], 4), round(drawn[-DRAWS // 40], 4)


def _f1_of(by: Mapping[str, Sequence[Placing]], drawn: Sequence[Happening]) -> float:
    return b_cubed([placing for one in drawn for placing in by.get(one.id, ())])["f1"]


def readers(happenings: Sequence[Happening]) -> dict[str, float]:
    """How far the second, blind reader puts the shown items with the seed as the first did."""
    first: list[bool] = []
    second: list[bool] = []
    for one in happenings:
        first += [item in one.members for item in one.shown]
        second += [item in one.again for item in one.shown]
    both = sum(a and b for a, b in zip(first, second, strict=True))
    agree = mean(a == b for a, b in zip(first, second, strict=True)) if first else 0.0
    share_1, share_2 = (mean(x) if x else 0.0 for x in (first, second))
    chance = share_1 * share_2 + (1 - share_1) * (1 - share_2)
    return {
        "happenings": sum(bool(one.shown) for one in happenings),
        "items": len(first),
        "agreement": round(agree, 4),
        "f1": round(2 * both / max(1, sum(first) + sum(second)), 4),
        "kappa": round((agree - chance) / (1 - chance), 4) if chance < 1 else 1.0,
    }


# ---------------------------------------------------------------------- report


def part(
    happenings: Sequence[Happening],
    homes: Mapping[str, str],
    langs: Mapping[str, str],
    whole: Sequence[Happening],
    spread: bool = True,
) -> dict[str, object]:
    """Figures of some happenings, each item judged against the whole gold."""
    ids = {one.id for one in happenings}
    every = [p for p in placings(whole, homes, langs) if p.happening in ids]
    tagged = [p for p in placings(whole, homes, langs, homes.keys()) if p.happening in ids]
    told: dict[str, object] = {
        "happenings": len(happenings),
        "items": len(every),
        "dropped": round(mean(not p.placed for p in every), 4),
        "b_cubed": b_cubed(every),
        "b_cubed_placed": b_cubed(tagged),
        "by_language": {
            lang: {"items": len(some), **b_cubed(some)}
            for lang in sorted({p.lang for p in every})
            if len(some := [p for p in every if p.lang == lang]) >= 10
        },
        "korean_english": pairs_met(happenings, homes, langs),
    }
    if spread:
        by: dict[str, list[Placing]] = defaultdict(list)
        for placing in every:
            by[placing.happening].append(placing)
        told["f1_interval"] = interval(happenings, partial(_f1_of, by))
        told["met_interval"] = interval(
            happenings, lambda drawn: pairs_met(drawn, homes, langs)["met"]
        )
    return told


def report(folder: Path, cache: Path) -> dict[str, object]:
    """Everything but the cost of the stream."""
    happenings = gold()
    homes: dict[str, str] = {}
    langs: dict[str, str] = {}
    counts: dict[str, object] = {}
    for name in [name for name in FEEDS if any(one.feed == name for one in happenings)]:
        articles = stream(name, happenings)
        langs |= {article.id: article.lang for article in articles}
        index = StoryIndex()
        mine = placed(classified(name, articles, folder, cache), index)
        counts[name] = {
            "items": len(articles),
            "placed": len(mine),
            "stories": len(set(mine.values())),
        }
        homes |= mine
    told: dict[str, object] = {
        "model": json.loads((folder / "manifest.json").read_text("utf-8"))["version"],
        "stream_of_gold": counts,
        "readers": readers(happenings),
        "all": part(happenings, homes, langs, happenings),
    }
    for half in ("dev", "held"):
        mine_half = [one for one in happenings if one.half == half]
        told[half] = part(mine_half, homes, langs, happenings)
        for name in counts:
            some = [one for one in mine_half if one.feed == name]
            told[f"{half} {name}"] = part(some, homes, langs, happenings, spread=False)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--stream", action="store_true", help="cost over a synthetic month")
    parser.add_argument("--model", type=Path, default=MODELS / SHIPPED)
    parser.add_argument("--cache", type=Path, default=CACHE, help="scratch folder")
    asked = parser.parse_args()
    before = json.loads(OUT.read_text(encoding="utf-8")) if OUT.is_file() else {}
    if asked.stream:
        from nlp.storybench import month

        told: dict[str, object] = {"month": month()}
    else:
        told = report(asked.model, asked.cache)
    OUT.write_text(json.dumps({**before, **told}, indent=1) + "\n", encoding="utf-8")
    if asked.json:
        print(json.dumps(told, indent=1))
    else:
        for name, figures in told.items():
            print(f"{name}: {json.dumps(figures)}")


if __name__ == "__main__":
    main()
