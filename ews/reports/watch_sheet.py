"""The vulnerability table as a flat sheet for a spreadsheet program."""

from __future__ import annotations

from collections.abc import Iterable

from ews.reports.sheet_text import written
from ews.reports.watch_views import Told, WatchTable

COLUMNS = {
    "hs6": "HS6", "hs": "HS 부호", "name_ko": "품목(한국어)", "name_en": "품목(영어)", "month": "기준월",
    "provider": "통계 출처", "synthetic": "합성 자료", "score": "점수", "rank": "순위",
    "rank_low": "순위 하한(5%)", "rank_high": "순위 상한(95%)", "coverage": "아는 비중",
    "top_partner": "최대 수입국", "top_share": "최대 수입국 비중", "import_usd": "12개월 수입액(달러)",
    "watched": "감시 중", "exceeded": "기준 초과", "ministries_stated": "부처(확인)",
    "ministries_inferred": "부처(추정)",
}  # fmt: skip


def watch_sheet(table: WatchTable, lang: str) -> str:
    """One line per item, all indices after it: Korean column names for Korean readers, machine
    names else."""
    korean = lang == "ko"
    heads = [
        *(COLUMNS.values() if korean else COLUMNS),
        *(f"{one.name.ko} [{one.key}]" if korean else one.key for one in table.columns),
    ]
    names = {one.key: one.name.text(lang) for one in table.columns}
    rows = [
        [
            # Twice: programs join by the code, spreadsheets eat the zero that some begin with.
            line.item.code, f"HS {line.item.code[:4]}.{line.item.code[4:]}", line.item.ko, line.item.en, line.month, line.provider, line.synthetic,
            line.score, line.rank, line.rank_low, line.rank_high, line.coverage,
            line.top_partner.text(lang) if line.top_partner else None, line.top_share,
            round(line.import_usd), line.watched,
            "; ".join(names[key] for key in line.exceeded),
            _named(line.ministries, "stated", lang), _named(line.ministries, "inferred", lang),
            *(line.indices.get(one.key) for one in table.columns),
        ]
        for line in table.lines
    ]  # fmt: skip
    return written(heads, rows)


def _named(told: Iterable[Told], basis: str, lang: str) -> str:
    return "; ".join(one.what.text(lang) for one in told if one.basis == basis)
