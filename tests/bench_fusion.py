"""How far fusion's probabilities can be believed: `python -m tests.bench_fusion` (half a minute).

Two parts. Simulated: events and readings drawn from the assumed model and from wrong ones, as in
tests/test_detectors_fusion_odds.py with more draws. Recorded: the live stages over some recorded
series, as of every release, with four short texts in our own words. Left out, and said so, where the
recorded data is absent. Writes the key "fusion" of docs/bench/detectors.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import exp, log, sqrt
from pathlib import Path
from statistics import NormalDist

import numpy as np

from ews.detectors.fusion_odds import alone, fused, likelihood_ratio, persistent, sizes
from ews.model import Article, Event, Observation, utc
from ews.pipeline import Pipeline, Rooms
from ews.storage import Store
from tests.bench_recorded import FILE, keep
from tests.recorded_series import DATA, recorded
from tests.test_detectors_fusion_odds import FALL, STILL, Reliability, believed, drawn, effects

RELEASES = 6
REAL_A_YEAR = 0.3  # of each series, in the simulation of numbers alone
LINE = 2.5  # z beyond which a number is an alarm there
SERIES = ("portwatch/transits/bab-el-mandeb/-", "portwatch/transits/suez/-",
          "comtrade/export-kg/CN-KR/811292", "pinksheet/price-usd/WLD/urea")  # fmt: skip
SPANS = (("2021-06-01", "2021-12-15"), ("2023-06-01", "2024-05-15"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="write the figures here instead of docs/bench")
    given = parser.parse_args()
    started = time.monotonic()
    figures: dict[str, object] = {"simulated": simulated()}
    if (DATA / "trade").is_dir():
        figures["recorded"] = as_of()
    else:
        print("without the recorded series: set EWS_RECORDED_DATA to the folder that holds trade/")
    figures["seconds"] = round(time.monotonic() - started, 1)
    print(json.dumps(figures, indent=1, ensure_ascii=False))
    keep(given.keep or FILE, "fusion", figures)


# ------------------------------------------------------------------------------ simulated


def simulated() -> list[dict[str, object]]:
    """Expected calibration error (ten bins) and Brier score of each case."""
    rng = np.random.default_rng(1)
    rows = [_row(f"model holds, scale {scale}", *_texts(rng, scale)) for scale in (0.1, 0.2, 0.35)]
    for what, size, noise in (
        ("effects 0.4 times as large", 0.4, 1.0),
        ("effects twice as large", 2.0, 1.0),
        ("noise 1.3 times as large", 1.0, 1.3),
    ):
        rows.append(_row(what, *_texts(rng, 0.2, size, noise)))
    for alike in (0.0, 0.33, 0.7, 0.9):
        rows.append(_row(f"six releases, noise alike {alike}", *_releases(alike, _summed)))
        rows.append(_row(f"the same, ratios multiplied {alike}", *_releases(alike, _multiplied)))
    for what, size, noise, pool in (
        ("model holds", 1.0, 1.0, REAL_A_YEAR),
        ("effects 0.4 times as large", 0.4, 1.0, REAL_A_YEAR),
        ("noise 1.3 times as large", 1.0, 1.3, REAL_A_YEAR),
        ("base rate a third of the real one", 1.0, 1.0, REAL_A_YEAR / 3),
        ("base rate three times the real one", 1.0, 1.0, REAL_A_YEAR * 3),
    ):
        found = _alone(rng, size, noise, partial(_by_density, pool=pool))
        rows.append(_row(f"numbers alone, {what}", found))
    rows.append(_row("numbers alone, by the tail area", _alone(rng, 1.0, 1.0, _by_tail)))
    return rows


def _row(what: str, found: Reliability, text: np.ndarray | None = None) -> dict[str, object]:
    row: dict[str, object] = {"case": what, "draws": len(found.said), "ece": round(found.error, 4)}
    if text is not None:
        row["brier"] = round(float(np.mean((found.said - found.real) ** 2)), 4)
        row["brier_text"] = round(float(np.mean((text - found.real) ** 2)), 4)
    return row


def _texts(
    rng: np.random.Generator, scale: float, size: float = 1.0, noise: float = 1.0
) -> tuple[Reliability, np.ndarray]:
    """60,000 texts with one reading each; the texts' own probabilities are right."""
    text = rng.uniform(0.2, 0.9, 60_000)
    real = rng.random(len(text)) < text
    said = believed(drawn(rng, real, scale, size, noise), text, scale)
    return Reliability(said, real), text


def _releases(
    alike: float, ratio: Callable[[np.ndarray, tuple[float, ...]], float]
) -> tuple[Reliability, np.ndarray]:
    """20,000 texts with six releases, whose noise is `alike` from one to the next."""
    rng, scale = np.random.default_rng(5), 0.35
    text = rng.uniform(0.2, 0.9, 20_000)
    real = rng.random(len(text)) < text
    moved = effects(rng, len(text), scale) * (real & (rng.random(len(text)) > STILL))
    noise = rng.normal(size=(len(text), RELEASES))
    for n in range(1, RELEASES):
        noise[:, n] = alike * noise[:, n - 1] + sqrt(1 - alike**2) * noise[:, n]
    means = tuple(sizes(FALL, scale))
    z = noise + moved[:, None]
    said = [fused(t, ratio(row, means)) for t, row in zip(text, z, strict=True)]
    return Reliability(np.array(said), real), text


def _summed(z: np.ndarray, means: tuple[float, ...]) -> float:
    return persistent(float(z.sum()), RELEASES, means, FALL.weights, STILL)


def _multiplied(z: np.ndarray, means: tuple[float, ...]) -> float:
    """What fusion does not do: release by release, each after the first at half weight."""
    logs = [log(max(likelihood_ratio(x, means, FALL.weights, STILL), 1e-6)) for x in z]
    return exp(min(logs[0] + sum(logs[1:]) / 2, 13.0))


def _alone(
    rng: np.random.Generator, size: float, noise: float, said: Callable[[float], float]
) -> Reliability:
    """The alarms of 400,000 series-months without texts."""
    real = rng.random(400_000) < REAL_A_YEAR / 12
    moved = np.where(real, effects(rng, len(real), 0.2) * size, 0.0)
    z = rng.normal(size=len(real)) * noise + moved
    alarms = z > LINE
    return Reliability(np.array([said(x) for x in z[alarms]]), real[alarms])


def _by_density(z: float, pool: float) -> float:
    return alone(likelihood_ratio(z, sizes(FALL, 0.2), FALL.weights, 0.0), pool, 12)


def _by_tail(z: float) -> float:
    """What fusion does not do: power and p in place of densities."""
    tail = NormalDist().cdf
    shown = zip(FALL.weights, sizes(FALL, 0.2), strict=True)
    power = sum(weight * tail(mean - z) for weight, mean in shown)
    return power * REAL_A_YEAR / (power * REAL_A_YEAR + tail(-z) * 12)


# ------------------------------------------------------------------------------ recorded


def as_of() -> list[dict[str, object]]:
    """Every revision of every event, at the release or the text that made it."""
    from alerts.routing import load_routes
    from ews.reports import Names
    from graph import build_network
    from nlp.classifier import load_classifier

    values = [one for one in recorded() if one.series in SERIES or "250410" in one.series]
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder))
        rooms = Rooms(load_classifier(threads=1), build_network(), load_routes(), {}, Names())
        rows = _played(Pipeline(store, rooms), values, _texts_of_ours())
        store.close()
    return rows


def _played(
    pipeline: Pipeline, values: Sequence[Observation], texts: Sequence[Article]
) -> list[dict[str, object]]:
    pipeline.ingest(values)
    pipeline.ingest(texts)
    spans = [(utc(first), utc(last)) for first, last in SPANS]
    times = {one.available_at for one in values}
    moments = {at for at in times if any(first <= at <= last for first, last in spans)}
    seen: dict[str, int] = {}
    rows: list[dict[str, object]] = []
    for now in sorted(moments | {one.available_at for one in texts}):
        pipeline.classify(now)
        pipeline.detect(now)
        for event in pipeline.store.events():
            if seen.get(event.id) != event.revision:
                seen[event.id] = event.revision
                rows.append(_told(now, event))
    return rows


def _told(now: datetime, event: Event) -> dict[str, object]:
    marks = ("surge", "drop", "rise", "fulfilled", "refuted", "recovered")
    return {
        "at": f"{now:%Y-%m-%d}", "event": event.id, "revision": event.revision,
        "type": event.type, "phase": event.phase.value, "status": event.status.value,
        "probability": round(event.probability, 3),
        "of": [*event.items, *event.chokepoints],
        "links": len([one for one in event.links if one.startswith("series:")]),
        "facts": {key: round(event.facts[key], 3) for key in marks if key in event.facts},
    }  # fmt: skip


def _texts_of_ours() -> list[Article]:
    """In our own words; the hours are those of the announcements, the sources are names only."""
    graphite, metals = utc("2023-10-20T06:00:00"), utc("2023-07-03T12:00:00")
    attack = utc("2024-01-09T18:00:00")
    rows = (
        ("en", "China to require export permits for graphite",
         "China said on Friday it will require export permits for some graphite products from Dec 1",
         graphite, graphite),
        ("ko", "중국, 흑연 수출 통제 발표",
         "중국 정부가 12월 1일부터 흑연 수출을 통제한다고 발표했다",
         graphite, graphite + timedelta(hours=1)),
        ("en", "China to restrict exports of gallium and germanium from August",
         "China will control exports of gallium and germanium", metals, metals),
        ("en", "Houthi attack hits ship in Bab el-Mandeb, Maersk pauses Red Sea transits",
         "Shipping lines pause transits through the Bab el-Mandeb strait after Houthi attacks",
         attack, attack),
    )  # fmt: skip
    return [
        Article(f"art-{n}", f"paper-{language}", f"Paper {language}", f"https://e.example/{n}",
                title, body, language, published, known)
        for n, (language, title, body, published, known) in enumerate(rows)
    ]  # fmt: skip


if __name__ == "__main__":
    main()
