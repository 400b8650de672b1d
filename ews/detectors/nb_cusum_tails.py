"""How likely is a score of the negative-binomial CUSUM when nothing happens? A simulated table.

Made by `python -m tests.bench_outbreak --tails` (seed of its own): shares of 6.6 million days, 2.8
million weeks (means of seven days) and 1.5 million months, in Poisson and negative-binomial series
with trend and season whose baselines were learnt from themselves. Row (frequency, up): the chance of
a score above 0, then of one of at least 1, 2, 3, ... on that side, as far as 30 values reached it.
"""

from __future__ import annotations

from ews.model import Frequency

TAILS: dict[tuple[Frequency, bool], tuple[float, ...]] = {
    (Frequency.DAY, True): (
        0.381, 0.0901, 0.024, 0.0068, 0.00195, 0.000564, 0.000165, 4.86e-05, 1.35e-05,
    ),
    (Frequency.DAY, False): (
        0.502, 0.161, 0.0447, 0.0123, 0.00346, 0.000998, 0.000294, 8.92e-05, 3.21e-05, 8.52e-06,
    ),
    (Frequency.WEEK, True): (0.226, 0.0305, 0.0054, 0.00119, 0.000284, 6.34e-05, 1.6e-05),
    (Frequency.WEEK, False): (0.278, 0.0482, 0.0106, 0.00224, 0.000471, 0.000109, 3.03e-05),
    (Frequency.MONTH, True): (
        0.129, 0.0143, 0.00322, 0.000923, 0.000325, 0.000126, 6.55e-05, 3.04e-05,
    ),
    (Frequency.MONTH, False): (0.206, 0.0342, 0.00689, 0.0014, 0.000336, 8.6e-05, 2.38e-05),
}  # fmt: skip
