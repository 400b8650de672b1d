"""`ews routes withheld`: what was held back from whom, by what, and until when?"""

from __future__ import annotations

from typing import Annotated

import typer

from ews.cli.options import Home, Json, Lang


def list_withheld(
    receiver: Annotated[str | None, typer.Argument(help="Only this receiver's.")] = None,
    home: Home = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """What open alerts were held back from receivers with no message since, best first, and why.

    Exit 1 for a receiver that the routes do not name.
    """
    from alerts.digests import withheld
    from ews.cli.opening import reading, routes_of
    from ews.cli.output import output
    from ews.reports import NotFound

    with reading(home) as (settings, store):
        out = output(lang, as_json, settings.lang)
        receivers = [r for r in routes_of(settings).receivers if receiver in (None, r.name)]
        if not receivers:
            raise NotFound(f"no receiver {receiver!r}; `ews routes show` lists them")
        alerts = store.open_alerts()
        told = [n for alert in alerts for n in store.notifications(alert_id=alert.id)]
        found = [(one, held) for one in receivers for held in withheld(one, told, alerts)]
    if out.as_json:
        out.json([
            {"receiver": one.name, "alert": held.alert.id, "stage": held.alert.stage,
             "reason": held.reason, "why": held.why, "at": held.at, "told": held.told}
            for one, held in found
        ])  # fmt: skip
        return
    out.table(
        "",
        [out.t("수신자", "receiver"), out.t("단계", "stage"), out.t("알림", "alert"),
         out.t("제목", "title"), out.t("언제", "since"), out.t("왜", "why")],
        [
            (one.name, out.t(held.alert.stage.ko, held.alert.stage.en), held.alert.id,
             held.alert.title, held.at, held.why)
            for one, held in found
        ],
    )  # fmt: skip
    out.say(out.t(f"보류 {len(found)}건", f"{len(found)} held back"))
