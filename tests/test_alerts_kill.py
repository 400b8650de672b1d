"""kill -9 at any moment, with the real store and a Slack that fails: nothing lost, nothing doubled.

The whole run is `make bench-alerts` (1,000 messages, 100 kills on each database); here a small one,
and under `make torture` a middle one. What chaos does and counts: tests/chaos.py.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos import Chaos, run
from tests.pg_server import pg_url


def test_kill_minus_nine_loses_doubles_and_mixes_nothing(tmp_path: Path) -> None:
    outcome = run(tmp_path, None, Chaos(messages=8, kills=2, speed=25.0))
    print(outcome)
    assert outcome.kills == 2
    assert sum(outcome.faults.values()) > 2
    assert outcome.clean, outcome


@pytest.mark.torture
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_hundreds_of_messages_and_dozens_of_kills(tmp_path: Path, database: str) -> None:
    plan = Chaos(int(os.environ.get("EWS_TORTURE_MESSAGES", "300")),
                 int(os.environ.get("EWS_TORTURE_KILLS", "30")))  # fmt: skip
    if database == "sqlite":
        outcome = run(tmp_path, None, plan)
    else:
        with pg_url(migrated=True) as url:
            outcome = run(tmp_path, url, plan)
    print(outcome)
    assert outcome.kills == plan.kills
    assert outcome.clean, outcome


@pytest.mark.torture
def test_the_check_can_fail_without_looking_messages_are_doubled(tmp_path: Path) -> None:
    outcome = run(tmp_path, None, Chaos(messages=100, kills=5, blind=True))
    print(outcome)
    assert outcome.doubled > 0
    assert not outcome.clean
