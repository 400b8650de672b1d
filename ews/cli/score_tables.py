"""The score for a person: what was caught, what was right, how early, for whom; `--json` has it all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ews.cli.output import Output

Part = Mapping[str, object]
MOST_ROWS = 12  # of a long breakdown
RECALLS = (
    ("all", "전체(중요도 1~3)", "all (severity 1-3)"),
    ("severity_2", "중요도 2 이상", "severity 2 and 3"),
    ("severity_3", "중요도 3", "severity 3"),
    ("families", "묶음을 하나로", "families once"),
    ("families_severity_2", "묶음을 하나로, 중요도 2 이상", "families once, severity 2 and 3"),
)
GROUPS = (
    ("by_stage", "단계(그 이상)", "stage (or higher)"),
    ("by_type", "사건 유형", "event type"),
    ("by_chapter", "HS 류", "HS chapter"),
    ("by_language", "첫 근거의 언어", "language of the first evidence"),
    ("by_source", "첫 근거의 매체", "source of the first evidence"),
    ("by_receiver", "수신처", "receiver"),
)


def print_score(out: Output, document: Part) -> None:
    _volume(out, document)
    _recall(out, document)
    _precision(out, document)
    _leads(out, document)
    _receivers(out, document)
    _breakdown(out, document)
    _traps(out, document)


def print_comparison(out: Output, found: Part) -> None:
    """What this home gains and loses against the other, by name and link."""
    out.table(
        out.t("견준 결과: 수치", "Compared: figures"),
        [out.t("항목", "figure"), out.t("상대", "other"), out.t("여기", "here"),
         out.t("차이", "difference"), out.t("95% 구간", "95% interval"),
         out.t("나을 확률", "draws better")],
        [
            (row["figure"], row["before"], row["after"], row["difference"],
             _interval(row["interval"]), row["better"])
            for row in _rows(found, "figures")
        ],
        right=[1, 2, 3],
    )  # fmt: skip
    for name, ko, en in (("any", "모든 단계", "any stage"), ("caution", "주의 이상", "주의+")):
        part = _part(_part(found, "episodes"), name)
        for key, ko_key, en_key in (
            ("gained", "새로 잡은 사건", "Episodes gained"), ("lost", "놓치게 된 사건", "Episodes lost"),
        ):  # fmt: skip
            _episodes(out, f"{out.t(ko_key, en_key)}, {out.t(ko, en)}", _rows(part, key))
    alerts = _part(found, "alerts")
    for key, ko_key, en_key in (
        ("gained", "새로 생긴 경보", "Alerts gained"), ("lost", "사라진 경보", "Alerts lost"),
        ("moved", "단계가 달라진 경보", "Alerts staged otherwise"),
    ):  # fmt: skip
        _alerts(out, out.t(ko_key, en_key), _rows(alerts, key))


# --------------------------------------------------------------------------- parts of the score


def _volume(out: Output, document: Part) -> None:
    window, alerts = _part(document, "window"), _part(document, "alerts")
    out.facts([
        (out.t("기간", "window"), f"{window['from']} .. {window['to']}"),
        (out.t("새 경보", "new alerts"), alerts["total"]),
        (out.t("하루", "a day"), alerts["per_day"]),
        (out.t("하루(주의 이상)", "a day, 주의+"), alerts["caution_per_day"]),
        (out.t("가장 많은 날", "most in a day"), alerts["most_in_a_day"]),
        (out.t("중복", "duplicates"), share(document["duplicates"])),
        (out.t("단계 오차(한 단계 안)", "stage within one step"),
         share(_part(document, "stage_error")["near"])),
    ])  # fmt: skip


def _recall(out: Output, document: Part) -> None:
    any_stage, caution = _part(document, "recall"), _part(document, "recall_caution")
    looks = [any_stage, caution, _part(any_stage, "strong"), _part(caution, "strong")]
    out.table(
        out.t("잡은 사건", "Episodes caught"),
        [out.t("사건", "episodes"), out.t("모든 단계", "any stage"), out.t("주의 이상", "주의+"),
         out.t("모든 단계, 강한 일치", "any stage, strong"), out.t("주의 이상, 강한 일치", "주의+, strong")],
        [(out.t(ko, en), *(share(look[key]) for look in looks)) for key, ko, en in RECALLS],
    )  # fmt: skip


def _precision(out: Output, document: Part) -> None:
    precision = _part(document, "precision")
    rows = [
        (out.t("엄격(일치하지 않으면 틀림)", "strict (unmatched is wrong)"), share(precision["strict"])),
        (out.t("엄격, 주의 이상", "strict, 주의+"), share(precision["strict_caution"])),
    ]  # fmt: skip
    if precision["judged"] is not None:
        judged = _part(precision, "judged")
        rows += [
            (out.t("판정", "judged"), share(judged["all"])),
            (out.t("판정, 주의 이상", "judged, 주의+"), share(judged["caution"])),
        ]
    for row in _rows(document, "precision_at_budget"):
        name = out.t(f"하루 {row['budget']}건까지만 읽으면", f"best {row['budget']} a day")
        rows.append((name, share(row["judged"] or row["strict"])))
    if document["calibration"] is not None:
        first = _part(_part(document, "calibration"), "first")
        rows.append((out.t("보낸 확률의 오차(ECE)", "error of sent probabilities (ECE)"),
                     f"{first['ece']} ({first['count']})"))  # fmt: skip
    out.table(out.t("옳은 경보", "Alerts that are right"),
              [out.t("기준", "measure"), out.t("비율", "share")], rows)  # fmt: skip


def _leads(out: Output, document: Part) -> None:
    lead = _part(document, "warning_lead")
    rows = []
    for key, ko, en in (
        ("reference", "기준 시각보다", "before the reference time"),
        ("reference_caution", "기준 시각보다, 주의 이상", "before the reference time, 주의+"),
        ("reaction", "당시 대응보다", "before the historical reaction"),
        ("reaction_caution", "당시 대응보다, 주의 이상", "before the historical reaction, 주의+"),
    ):
        row = _part(lead, key)
        rows.append(
            (out.t(ko, en), row["counted"], row["median_hours"], _interval(row["median_interval"]))
        )
    out.table(
        out.t("앞선 시간(중앙값, 시간)", "Warning lead (median, hours)"),
        [
            "",
            out.t("사건", "episodes"),
            out.t("중앙값", "median"),
            out.t("95% 구간", "95% interval"),
        ],
        rows,
        right=[1, 2],
    )
    out.table(
        out.t("사건마다", "Each episode"),
        [out.t("사건", "episode"), out.t("앞섬", "lead"), out.t("앞섬, 주의", "lead, 주의"),
         out.t("대응보다", "over reaction"), out.t("당일 주의", "same-day 주의"), out.t("경보", "alert")],
        [
            (row["episode"], row["lead_hours"], row["caution_lead_hours"],
             row["reaction_lead_hours"], "✓" if row["same_day_caution"] else "",
             row["alert"] or out.t("놓침", "missed"))
            for row in _rows(lead, "each")
        ],
        right=[1, 2, 3],
    )  # fmt: skip


def _receivers(out: Output, document: Part) -> None:
    rows = _rows(document, "receivers")
    if rows:
        out.table(
            out.t("수신처", "Receivers"),
            [out.t("수신처", "receiver"), out.t("예산", "budget"), out.t("하루 받음", "told a day"),
             out.t("하루 보류", "held a day"), out.t("가장 많은 날", "most in a day"),
             out.t("예산 넘은 날", "days over budget")],
            [
                tuple(row[key] for key in ("receiver", "budget_per_day", "told_per_day",
                                           "held_per_day", "most_in_a_day", "days_over_budget"))
                for row in rows
            ],
            right=[1, 2, 3, 4, 5],
        )  # fmt: skip


def _breakdown(out: Output, document: Part) -> None:
    groups = _part(document, "breakdown")
    for key, ko, en in GROUPS:
        rows = {name: cast("Part", row) for name, row in _part(groups, key).items()}
        order = list(rows)
        if key != "by_stage":
            order.sort(key=lambda name: -int(str(rows[name]["alerts"])))
        if rows:
            out.table(
                _title(out, out.t(ko, en), len(rows)),
                [out.t(ko, en), out.t("경보", "alerts"), out.t("잡은 사건", "caught"),
                 out.t("엄격", "strict"), out.t("판정", "judged"), out.t("중복", "duplicates"),
                 out.t("함정", "traps"), out.t("놓친 사건", "missed")],
                [
                    (_named(out, key, name), rows[name]["alerts"], *_shares(rows[name]), rows[name]["traps"],
                     ", ".join(cast("Sequence[str]", rows[name]["missed"])[:4]))
                    for name in order[:MOST_ROWS]
                ],
                right=[1],
            )  # fmt: skip


def _named(out: Output, group: str, name: str) -> str:
    from ews.model import Stage
    from ews.reports import label
    from ews.tuning.chapters import chapter

    if group == "by_stage":
        stage = Stage.parse(name)
        return out.t(stage.ko, stage.en)
    if group == "by_chapter":
        return chapter(name, out.lang)
    return label("type", name).text(out.lang) if group == "by_type" else name


def _title(out: Output, name: str, rows: int) -> str:
    if rows <= MOST_ROWS:
        return name
    return f"{name}: {out.t(f'{rows} 중 {MOST_ROWS}', f'{MOST_ROWS} of {rows}')} (--json)"


def _shares(row: Part) -> Iterator[str]:
    return (short(row[key]) for key in ("recall", "strict", "judged", "duplicates"))


def _traps(out: Output, document: Part) -> None:
    traps = _part(document, "traps")
    out.facts([(out.t("함정", "traps hit"), share(traps))])
    if each := _rows(traps, "each"):
        out.table("", [out.t("함정", "trap"), out.t("종류", "kind"), out.t("경보", "alert")],
                  [(row["link"], row["kind"], row["alert"]) for row in each])  # fmt: skip


def _episodes(out: Output, title: str, rows: Sequence[Part]) -> None:
    out.table(
        f"{title}: {len(rows)}",
        [out.t("사건", "episode"), out.t("중요도", "severity"), out.t("시간", "hours"),
         out.t("경보", "alert"), "URL"],
        [(row["name"], row["severity"], row["delay_hours"], row["title"], row["link"])
         for row in rows],
        right=[1, 2],
    )  # fmt: skip


def _alerts(out: Output, title: str, rows: Sequence[Part]) -> None:
    def stage(row: Part) -> str:
        before = row.get("stage_before")
        return f"{before} -> {row['stage']}" if before else str(row["stage"])

    out.table(
        f"{title}: {len(rows)}",
        [out.t("경보", "alert"), out.t("단계", "stage"), out.t("사건", "episode"),
         out.t("제목", "title"), "URL"],
        [(row["alert"], stage(row), row["episode"] or row["fate"], row["title"], row["link"])
         for row in rows[:40]],
    )  # fmt: skip


# --------------------------------------------------------------------------- cells


def share(value: object) -> str:
    """A proportion with the wider of its intervals.

    >>> share({"hits": 1, "of": 2, "rate": 0.5, "interval": [0.09, 0.91], "bootstrap": [0.0, 1.0]})
    '1/2 = 0.5 (0.0 .. 1.0)'
    """
    if value is None:
        return ""
    part = cast("Part", value)
    if not part["of"]:
        return "0/0"
    both = [cast("list[float]", part[key]) for key in ("interval", "bootstrap") if part.get(key)]
    low, high = max(both, key=lambda pair: pair[1] - pair[0])
    return f"{short(value)} = {part['rate']} ({low} .. {high})"


def short(value: object) -> str:
    """Hits of how many; "" where nothing was counted."""
    part = cast("Part | None", value)
    return f"{part['hits']}/{part['of']}" if part and part["of"] else ""


def _interval(value: object) -> str:
    return "" if value is None else " .. ".join(str(x) for x in cast("Sequence[float]", value))


def _part(document: Part, key: str) -> Part:
    return cast("Part", document[key])


def _rows(document: Part, key: str) -> Sequence[Part]:
    return cast("Sequence[Part]", document[key])
