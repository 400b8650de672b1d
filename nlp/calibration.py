"""From raw logits to calibrated probabilities: the blend of encoder and keyword rules.

Fitted by `python -m nlp.calibrate` on rows that did not train; read from `calibration.json`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def sigmoid(values: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(values, -40.0, 40.0)))


def softmax(values: Floats) -> Floats:
    powers: Floats = np.exp(values - values.max(1, keepdims=True))
    shares: Floats = powers / powers.sum(1, keepdims=True)
    return shares


@dataclass(frozen=True, slots=True)
class Readings:
    """Calibrated: labels (texts x types), event, phase (texts x 3), severity (0..3)."""

    labels: Floats
    event: Floats
    phase: Floats
    severity: Floats


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of the blend. A label's log-odds are a weighted sum of the encoder's and the keyword
    rule's, plus the label's own bias; the event's likewise, with the first pass's log-odds."""

    encoder: float
    rule: float
    label_bias: tuple[float, ...]
    event_encoder: float
    event_labels: float  # of the highest label's log-odds
    event_screen: float
    event_rule: float  # of "some keyword rule matches"
    event_bias: float
    phase_temperature: float
    phase_bias: tuple[float, ...]
    phase_rule: float  # of the phase that the keyword rules read
    severity_temperature: float
    severity_bias: tuple[float, ...]
    severity_cuts: tuple[float, ...]  # expected severities that stand for 0.5, 1.5 and 2.5
    thresholds: tuple[float, ...]  # per label, best F1 on the validation part
    event_threshold: float
    triage_low: float  # below, the model knows: no event
    triage_high: float  # from here on it knows: an event; between the two a person should look
    base_rate: float  # share of events in the natural stream the bias was fitted to

    @classmethod
    def read(cls, path: Path) -> Calibration:
        """From JSON; its `about` part says how the numbers were fitted and is not read here."""
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        fields.pop("about", None)
        for name, value in fields.items():
            fields[name] = tuple(value) if isinstance(value, list) else value
        return cls(**fields)

    def write(self, path: Path, about: dict[str, object]) -> None:
        document = {"about": about, **asdict(self)}
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def label_logits(self, labels: Floats, hits: Floats) -> Floats:
        mixed: Floats = self.encoder * labels + self.rule * hits
        mixed = mixed + np.array(self.label_bias, dtype=np.float64)
        return mixed

    def stretched(self, severity: Floats) -> Floats:
        """The expected severity moved so that rounding it gives the level that costs least: an
        expectation seldom reaches the ends of the scale."""
        found: Floats = np.interp(
            severity, (0.0, *self.severity_cuts, 3.0), (0.0, 0.5, 1.5, 2.5, 3.0)
        )
        return found

    def apply(
        self,
        labels: Floats,
        event: Floats,
        phase: Floats,
        severity: Floats,
        screen: Floats,
        hits: Floats,
        phase_hits: Floats,
    ) -> Readings:
        """Readings of raw logits, one row per text. No label is likelier than the event."""
        logits = self.label_logits(labels, hits)
        happened = sigmoid(
            self.event_encoder * event[:, 0]
            + self.event_labels * logits.max(1)
            + self.event_screen * screen
            + self.event_rule * hits.max(1)
            + self.event_bias
        )
        weights = softmax(severity / self.severity_temperature + np.array(self.severity_bias))
        return Readings(
            labels=np.minimum(sigmoid(logits), happened[:, None]),
            event=happened,
            phase=softmax(
                phase / self.phase_temperature
                + np.array(self.phase_bias)
                + self.phase_rule * phase_hits
            ),
            severity=self.stretched(weights @ np.arange(weights.shape[1], dtype=np.float64)),
        )
