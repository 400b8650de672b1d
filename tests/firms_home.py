"""A home shared by firms A and B: every field that B gave carries a canary that only B may see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from typer.testing import CliRunner

from alerts.channels import ChannelSettings, open_channel
from alerts.routing import load_routes
from alerts.rules import shipped_ruleset
from ews.cli import app
from ews.cli.opening import firms_of
from ews.model import Event
from ews.pipeline import Pipeline, Rooms
from ews.reports import Names
from ews.storage import Store
from graph import build_network
from nlp.classifier import LexiconClassifier
from tests.faces_home import NOW, make_home

A, B = "가나상사", "카나리비산업"
WORD = "canaryb"  # in every text that B gave, in some case
FIGURES = ("31337", "0.3133", "313.37", "31.3 %")  # in every number, as faces write it
TEXTS = (B, "카나리비", WORD)
B_FILES = {
    "canaryb-links.csv": "firm,item,country,share,supplier,stock_days,part,spend_usd\n"
    f"{B},urea,CN,0.31337,CanaryB Urea Works,313.37,CANARYB-P1,31337\n"
    "CANARYB Second,gallium,CN,0.31337,CanaryB Metals,313.37,,31337\n",
    "canaryb-declared.csv": "신고번호,신고일,HS코드,품명,원산지,해외거래처,금액(USD),중량(kg)\n"
    "CANARYB-1,2021-09-01,2811220000,canaryb silica,NZ,CanaryB Far Ltd,31337,31337\n"
    "CANARYB-2,2021-09-02,2804610000,silicon,BR,CanaryB Silicon,31337,31337\n",
    "canaryb-bom.json": '[{"parent": "CANARYB-TOP", "part": "CANARYB-P1", "quantity": 31337, '
    '"item": "urea", "supplier": "CanaryB Urea Works", "substitute": "CANARYB-P2"}]',
    "canaryb-stocks.csv": "part,days,as_of\nCANARYB-P1,313.37,2021-10-01\n",
}
A_FILES = {"links.csv": "firm,item,country,share,supplier,stock_days\n"
           "가나상사,urea,CN,0.8,Own Works,20\n카나상사,gallium,CN,0.5,Own Metals,30\n",
           "stocks.csv": "item,days\nurea,21\n"}  # fmt: skip


def make(folder: Path, files: Path, with_b: bool) -> Store:
    """The home, its one event laid on the network with the firms in it, judged and told."""
    make_home(folder)
    for owner, given in ((A, A_FILES), *(((B, B_FILES),) if with_b else ())):
        for name, text in given.items():
            file = files / name
            file.write_text(text, "utf-8")
            words = ["firms", "import", str(file), "--owner", owner, "--home", str(folder)]
            result = CliRunner().invoke(app, words)
            assert result.exit_code == 0, result.output
    store = Store.open(folder)
    event = store.event("evt-urea0000000001")
    assert event is not None
    # The supplier of B is named by the news, as it may be; whose supplier it is, is B's secret.
    store.save_events([_named(event, "supplier-one"), _hit_supplier(event)])
    store.save_ruleset(replace(shipped_ruleset(NOW), version=3))
    console = open_channel("console", ChannelSettings(home=folder))
    network = build_network(firms_of(store))
    pipeline = Pipeline(
        store,
        Rooms(LexiconClassifier(), network, load_routes(), {"console": console}, Names()),
    )
    for stage in (pipeline.propagate, pipeline.evaluate, pipeline.route, pipeline.deliver):
        stage(NOW)
    return store


def _named(event: Event, name: str) -> Event:
    return replace(event, revision=2, firms=(name,), severity=2.6, items=("urea", "gallium"))


def _hit_supplier(event: Event) -> Event:
    """An event of no item: only by B's links does it reach any."""
    return replace(
        event, id="evt-closure000000002", type="bankruptcy_or_closure", items=(), countries=(),
        firms=("Canaryb Urea Works",), severity=2.6, title="A plant closes", revision=1,
    )  # fmt: skip


def token(folder: Path, role: str, owner: str | None = None) -> str:
    words = ["viewers", "add", "--role", role, "--home", str(folder)]
    result = CliRunner().invoke(app, words + (["--owner", owner] if owner else []))
    assert result.exit_code == 0, result.output
    return result.stdout.strip()
