"""Printing vulnerability, what changed, blind spots and the watch list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ews.cli.output import Output, moment
from ews.reports import percent
from ews.reports.watch import NONE_YET
from ews.reports.watch_views import (
    Spots,
    Told,
    WatchChange,
    WatchChanges,
    WatchItem,
    WatchLine,
    WatchList,
    WatchTable,
    short_name,
)

if TYPE_CHECKING:
    from ews.model import Vulnerability
    from ews.watching import Turn

NAME = 34  # letters of a name in a table: the tariff's own run long
INFERRED = {"ko": "(추정)", "en": " (inferred)"}


def table(out: Output, found: WatchTable) -> None:
    if not found.items:
        out.say(
            out.t("계산된 취약성이 없습니다. `ews watch compute` 를 먼저 하십시오.", NONE_YET),
            "yellow",
        )
        return
    names = {one.key: one.name.text(out.lang) for one in found.columns}
    shorts = {one.key: short_name(one.name, out.lang) for one in found.columns}
    extra = found.sort.lstrip("-")
    extra = extra if extra in names else ""
    out.table(
        out.t(f"품목별 취약성 · {found.month or found.months[0]} · {found.matched:,}개 중 {len(found.lines)}개",
              f"Vulnerability by item, {found.month or found.months[0]}: {len(found.lines)} of {found.matched:,}"),
        ["HS6", out.t("품목", "item"), out.t("점수", "score"), out.t("순위(5~95%)", "rank (5-95%)"),
         out.t("아는 비중", "known"), out.t("최대 수입국", "largest partner"),
         *([names[extra]] if extra else []),
         out.t("기준 초과", "over threshold"), out.t("감시", "watched")],
        [
            (one.item.code, short(one.item.text(out.lang)), figure(one.score), rank(one),
             f"{one.coverage:.0%}", partner(out, one),
             *([figure(one.indices.get(extra))] if extra else []),
             ", ".join(shorts[key] for key in one.exceeded), out.t("예", "yes") if one.watched else "")
            for one in found.lines
        ],
        right=[2, 3, 4],
    )  # fmt: skip
    notes(out, found.synthetic, found.stale)
    if found.scored < found.items:
        less = found.items - found.scored
        out.say(out.t(f"{less:,}개는 아는 지표가 너무 적어(가중치의 40% 미만) 점수가 없습니다.",
                      f"{less:,} items have no score: less than 40% of the weight is known."), "dim")  # fmt: skip
    if not found.scored:
        return
    out.say(out.t(
        f"순위 구간: 가중치를 {found.draws}번 바꾸어 본 5~95%. 평균 {found.rank_shift:,.0f}계단 움직입니다.",
        f"Rank interval: 5 to 95% over {found.draws} other choices of weights; an item moves by "
        f"{found.rank_shift:,.0f} places on average.",
    ), "dim")  # fmt: skip


def item(out: Output, found: WatchItem) -> None:
    line, t = found.line, out.t
    out.say(f"{line.item.code} {line.item.text(out.lang)}", "bold")
    other = line.item.en if out.lang == "ko" else line.item.ko
    if other != line.item.text(out.lang):
        out.say(other, "dim")
    if line.synthetic:
        out.say(t("합성 자료: 이 품목의 수치는 만들어 낸 것입니다.",
                  "Synthetic: the figures of this item are made up."), "yellow")  # fmt: skip
    out.facts([
        (t("기준월", "month"), line.month),
        (t("점수", "score"), f"{figure(line.score)} ({t('아는 비중', 'of the weight known')} {line.coverage:.0%})"),
        (t("순위", "rank"), f"{rank(line)} / {found.scored:,}"),
        (t("가중치에 따라", "hangs most on"), _mover(out, found)),
        (t("감시", "watched"), _watched(out, found)),
        (t("기준 초과", "over the threshold"), ", ".join(
            one.column.name.text(out.lang) for one in found.columns if one.exceeded)),
        *((name.text(out.lang), value.text(out.lang)) for name, value in found.facts),
    ])  # fmt: skip
    out.table(
        t("지표", "Indices"),
        [t("체계", "system"), t("지표", "index"), t("값", "value"), t("기준", "threshold"),
         t("가중치", "weight"), t("점수에 더한 값", "adds"), t("뜻", "what it says")],
        [
            (t("우리 점수", "our score") if one.column.system == "ews" else one.column.system, one.column.name.text(out.lang), figure(one.value),
             ("! " if one.exceeded else "") + figure(one.column.threshold, ""),
             figure(one.column.weight or None, ""), figure(one.contribution, ""),
             one.column.says.text(out.lang))
            for one in found.columns if one.value is not None or one.column.weight
        ],
        right=[2, 3, 4, 5],
    )  # fmt: skip
    out.say(t("점수의 변화: ", "Score by month: ")
            + "  ".join(f"{one.month} {figure(one.score)}" for one in found.history))  # fmt: skip
    if found.change:
        _change(out, found.change)
    _domestic(out, found)


def _domestic(out: Output, found: WatchItem) -> None:
    t = out.t
    out.facts([
        (t("용도", "uses"), told(out, found.uses)),
        (t("쓰는 산업", "used by"), told(out, [
            Told(one.industry, one.basis) for one in found.industries if one.role == "uses"])),
        (t("만드는 산업", "made by"), told(out, [
            Told(one.industry, one.basis) for one in found.industries if one.role == "makes"])),
        (t("부처", "ministries"), told(out, found.line.ministries)),
    ])  # fmt: skip
    out.table(
        t("수입국 (최근 12개월)", "Partners, 12 months"),
        [t("국가", "country"), "USD", t("비중", "share"), t("최근 3개월", "newest three months"),
         t("전년 같은 달", "a year before")],
        [(one.partner.text(out.lang), f"{one.usd:,.0f}", percent(one.share, out.lang),
          percent(one.recent_share, out.lang), percent(one.before_share, out.lang))
         for one in found.partners],
        right=[1, 2, 3, 4],
    )  # fmt: skip
    out.say(t(f"계열 {len(found.series)}개: ews series list --item {found.line.item.code}",
              f"{len(found.series)} series: ews series list --item {found.line.item.code}"), "dim")  # fmt: skip
    for alert in found.alerts:
        out.say(
            f"{alert.id} {alert.stage_ko if out.lang == 'ko' else alert.stage_en} {alert.title}"
        )


def changes(out: Output, found: WatchChanges) -> None:
    if not found.compared:
        out.say(
            out.t(
                "두 달 모두 점수가 있어 견줄 수 있는 품목이 없습니다.",
                "No item has a score in two months that can be compared.",
            ),
            "yellow",
        )
        return
    notes(out, found.synthetic, 0)
    out.say(out.t(f"{found.since} → {found.month}: {found.compared:,}개를 견줌, 못 견준 것 {found.not_compared:,}개",
                  f"{found.since} to {found.month}: {found.compared:,} items compared, "
                  f"{found.not_compared:,} could not be"))  # fmt: skip
    for title, some in (
        (out.t("오른 것", "Rose most"), found.rises),
        (out.t("내린 것", "Fell most"), found.falls),
    ):
        out.say(title, "bold")
        for one in some:
            _change(out, one, named=True)


def _change(out: Output, one: WatchChange, named: bool = False) -> None:
    name = (
        f"{one.item.code} {short(one.item.text(out.lang))}: "
        if named
        else out.t("변화: ", "Changed: ")
    )
    seen = "" if one.watched or not named else out.t(" [감시하지 않음]", " [not watched]")
    out.say(
        f"  {name}{one.before:.3f} → {one.after:.3f} ({one.rise:+.3f}; {one.since} → {one.month}){seen}"
    )
    for line in one.said:
        out.say(f"      {line.text(out.lang)}", "dim")


def spots(out: Output, found: Spots) -> None:
    if not found.month:
        out.say(
            out.t("계산된 취약성이 없습니다. `ews watch compute` 를 먼저 하십시오.", NONE_YET),
            "yellow",
        )
        return
    notes(out, found.synthetic, 0)
    out.say(out.t(f"{found.since} → {found.month}: 지켜보지 않는 {found.unwatched:,}개 가운데 {found.count}개가 올랐습니다.",
                  f"{found.since} to {found.month}: of {found.unwatched:,} items that nobody watches "
                  f"{found.count} rose."), "bold")  # fmt: skip
    for one in found.spots:
        out.say(f"{one.item.code} {one.item.text(out.lang)}  {one.change.before:.2f} → {one.score:.2f}"
                f"  ${one.import_usd:,.0f}", "bold")  # fmt: skip
        for line in one.change.said:
            out.say(f"    {line.text(out.lang)}")
        out.facts([
            (out.t("    용도", "    uses"), told(out, one.uses) or out.t("알려지지 않음", "not known")),
            (out.t("    만드는 산업", "    made by"), told(out, one.makers)),
            (out.t("    알릴 부처", "    to be told"), told(out, one.ministries)
             or out.t("알려지지 않음", "not known")),
            (out.t("    감시하려면", "    to watch it"), one.command),
        ])  # fmt: skip


def entries(out: Output, found: WatchList) -> None:
    out.table(
        out.t(f"분석가 감시 목록 · 기준 자료의 감시 품목 {found.ours}개 부호와 함께 모두 {found.codes}개 부호",
              f"Watch list of analysts; with our own {found.ours} codes {found.codes} codes in all"),
        [out.t("품목", "item"), "HS6", out.t("오경보 예산(연)", "false alarms a year"),
         out.t("누가", "by"), out.t("언제", "when"), out.t("왜", "why")],
        [(f"{one.item.text(out.lang)}", ", ".join(one.codes[:6]), f"{one.budget:g}", one.by,
          moment(one.at), one.reason) for one in found.entries],
        right=[2],
    )  # fmt: skip


def done(out: Output, turn: Turn) -> None:
    if not turn.rows:
        out.say(out.t("한국의 HS6 수입 계열이 없어 계산할 것이 없습니다.", NONE_YET), "yellow")
        return
    for provider, months in turn.months.items():
        out.say(f"{provider}: {months[-1]:%Y-%m} ({out.t('달', 'months')} {len(months)})")
    out.say(out.t(f"행 {turn.rows:,}개를 적었습니다.", f"{turn.rows:,} rows kept."))


def rows(out: Output, found: Sequence[Vulnerability]) -> None:
    """Rows that were computed and not kept, the largest score first."""
    best = sorted(found, key=lambda row: (-(row.score or 0.0), row.item))[:30]
    out.table(
        out.t(f"{len(found):,}개 품목 (저장하지 않음)", f"{len(found):,} items (not kept)"),
        ["HS6", out.t("달", "month"), out.t("점수", "score"), out.t("아는 비중", "known"),
         out.t("출처", "provider"), out.t("가중치", "weights")],
        [(row.item, f"{row.month:%Y-%m}", figure(row.score), f"{row.coverage:.0%}",
          row.facts.get("provider", ""), row.weights) for row in best],
        right=[2, 3],
    )  # fmt: skip


def notes(out: Output, synthetic: int, stale: int) -> None:
    """What a reader must know first."""
    if synthetic:
        out.say(out.t(f"합성 자료: {synthetic:,}개 품목의 수치는 만들어 낸 것입니다.",
                      f"Synthetic: the figures of {synthetic:,} items are made up."), "yellow")  # fmt: skip
    if stale:
        out.say(out.t(f"다른 가중치로 계산된 {stale:,}개는 뺐습니다. `ews watch compute` 로 다시 계산하십시오.",
                      f"{stale:,} rows of other weights are left out; compute anew: ews watch compute"),
                "yellow")  # fmt: skip


def rank(line: WatchLine) -> str:
    if line.rank is None:
        return "-"
    return f"{line.rank:,} ({line.rank_low:,}-{line.rank_high:,})"


def partner(out: Output, line: WatchLine) -> str:
    if line.top_partner is None:
        return "-"
    share = "" if line.top_share is None else f" {line.top_share:.0%}"
    return line.top_partner.text(out.lang) + share


def told(out: Output, some: Iterable[Told]) -> str:
    """Names; what was only concluded is marked."""
    return ", ".join(
        one.what.text(out.lang) + ("" if one.basis == "stated" else INFERRED[out.lang])
        for one in some
    )


def figure(value: float | None, none: str = "-") -> str:
    if value is None:
        return none
    return (
        f"{value:,.0f}"
        if abs(value) >= 1000
        else f"{value:.3g}"
        if abs(value) >= 10
        else f"{value:.3f}"
    )


def short(text: str) -> str:
    return text if len(text) <= NAME else text[: NAME - 1] + "…"


def _mover(out: Output, found: WatchItem) -> str:
    if found.mover is None or not found.moves:
        return ""
    places = abs(found.moves)
    way = out.t(
        "계단 내려감" if found.moves > 0 else "계단 올라감",
        "lower" if found.moves > 0 else "higher",
    )
    return out.t(
        f"{found.mover.ko}: 빼면 {places:,}{way}",
        f"{found.mover.en}: without it {places:,} places {way}",
    )


def _watched(out: Output, found: WatchItem) -> str:
    if found.chosen:
        one = found.chosen
        return out.t(
            f"예: {one.by}, {moment(one.at)}, {one.reason}",
            f"yes: {one.by}, {moment(one.at)}, {one.reason}",
        )
    return out.t("예 (기준 자료의 감시 품목)", "yes (one of our own watched items)") if found.line.watched else out.t(
        "아니요", "no")  # fmt: skip
