"""What firms gave of themselves, as terminal tables."""

from __future__ import annotations

from collections.abc import Sequence

from ews.cli.output import Output
from ews.reports import LinkLine, days, percent
from ews.reports.words import word


def links(out: Output, found: Sequence[LinkLine]) -> None:
    """A firm's own supplier links; those that do not count say why."""
    told = any(one.overridden_by for one in found)
    note = [out.t("비고", "note")] if told else []
    out.table(
        out.t("기업이 준 공급 링크", "The firm's own supplier links"),
        [out.t("기업", "firm"), out.t("공급사", "supplier"), out.t("국가", "country"),
         out.t("품목", "item"), out.t("자사 투입 비중", "share of own input"), out.t("재고", "stock"),
         out.t("조달 기간", "lead time"), out.t("소유자", "owner"), *note],
        [
            (one.firm.text(out.lang) + (f" [{word('synthetic', out.lang)}]" if one.synthetic else ""),
             one.supplier, one.country.text(out.lang), one.item.text(out.lang),
             percent(one.share, out.lang), days(one.stock_days, out.lang),
             _lead(out, one), one.owner, *([_overridden(out, one)] if told else []))
            for one in found
        ],
        right=[4, 5, 6],
    )  # fmt: skip


def _lead(out: Output, one: LinkLine) -> str:
    if one.lead_days is None:
        return days(None, out.lang)
    how = (
        out.t("해상, 가정", "by sea, assumed")
        if one.lead_basis == "assumed"
        else word("own", out.lang)
    )
    return f"{days(one.lead_days, out.lang)} ({how})"


def _overridden(out: Output, one: LinkLine) -> str:
    by = one.overridden_by
    return out.t(f"대체됨: {by} 우선", f"overridden by {by}") if by else ""
