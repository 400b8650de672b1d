"""How do the rules read to an analyst? Thresholds as sentences, keys as names, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from alerts.measures import MEASURES
from alerts.words import phrases, say
from nlp.taxonomy import TYPES

# The measure as the subject of a Korean sentence.
SUBJECTS: Mapping[str, str] = {
    "probability": "확률이",
    "severity": "심각도가",
    "sources": "독립 출처 수가",
    "share": "수입 비중이",
    "loss": "잃을 수입 비중이",
    "expected_loss": "기대 손실이",
    "actual": "진행 정도가",
    "gap_days": "재고가 모자라는 날이",
    "chance": "참일 확률이",
    "relevance": "공급망 관련도가",
}
YES_OR_NO = frozenset({"authority", "corroborated", "critical", "named", "route", "korea", "soon"})
POWERS = frozenset({"share", "loss", "expected_loss"})  # small values matter

RULES: Mapping[str, tuple[str, str]] = {
    "watch-item": ("이름난 품목의 소식", "News of a named item"),
    "watch-likely": ("맞을 법한 소식", "Not unlikely right"),
    "watch-domestic": ("국내의 중대한 일", "Something grave in Korea"),
    "caution-item": ("맞을 확률이 높고 무거운 소식", "Likely right, and of weight"),
    "caution-dependent": ("한 나라에 기댄 품목", "An item mostly from one country"),
    "caution-grave": ("중대한 소식", "Grave"),
    "caution-route": ("해협·항만 차질", "A strait or port hit"),
    "caution-told": ("두 곳 이상이 전한 중대한 소식", "Grave, told by two newsrooms"),
    "alert-short": ("복구 전에 재고가 바닥남", "Stock ends before recovery"),
    "severe-short": ("곧 모자람", "Short within days"),
}
SECTIONS: Mapping[str, tuple[str, str]] = {
    "news": ("뉴스 감지", "News detector"),
    "series": ("통계 감시", "Series detector"),
    "evaluate": ("판정", "Evaluation"),
    "group": ("묶기", "Grouping"),
    "chance": ("참일 확률", "Chance"),
    "signoff": ("서명", "Signatures"),
    "retract": ("철회", "Retraction"),
    "blind": ("눈먼 품목", "Blindness"),
}
SETTINGS: Mapping[str, tuple[str, str]] = {
    "evaluate.unknown_share": (
        "알려지지 않은 수입 비중을 이만큼으로 봄",
        "An import share that nobody has read counts as",
    ),
    "evaluate.unlisted_share": (
        "관리하지 않는 품목의 알려지지 않은 비중",
        "The same for an item that is not watched",
    ),
    "evaluate.quiet_days": (
        "새 근거가 이 일수 동안 없으면 해제",
        "Days without new evidence that end an alert",
    ),
    "evaluate.duplicate_days": (
        "이 일수 안의 같은 일은 한 경보로 묶음",
        "Days within which the same is one alert",
    ),
    "group.longest_days": (
        "첫 소식 뒤 이 일수가 지나면 새 경보",
        "Days after the first report that begin a new alert",
    ),
    "group.reopen_days": (
        "끝난 경보가 다시 열리는 일수",
        "Days in which an alert that ended opens again",
    ),
    "group.item_overlap": (
        "같은 일로 보는 품목의 겹침",
        "Share of items in common that makes it one happening",
    ),
    "series.false_alarms_per_week": (
        "숫자 경보 전체의 오경보 허용(주당 건수) · 앞으로의 탐지에만",
        "False alarms of figures accepted a week, in all · from now on only",
    ),
    "series.false_alarms_per_watched_year": (
        "관심 품목마다 오경보 허용(연간 건수) · 앞으로의 탐지에만",
        "The same of a watched item, a year · from now on only",
    ),
    "series.false_alarms_per_item_year": (
        "그 밖의 품목·장소마다 오경보 허용(연간 건수) · 앞으로의 탐지에만",
        "The same of any other item or place, a year · from now on only",
    ),
    "series.least_move": (
        "이 비율보다 적게 움직인 값은 알리지 않음 · 앞으로의 탐지에만",
        "A value that moved by less than this share is not told · from now on only",
    ),
    "series.real_per_item_year": (
        "계열 하나에 실제 차질이 한 해 이만큼 있다고 봄(사건의 확률에 씀)",
        "Real disruptions of a series a year, as assumed for the chance of an event",
    ),
}
# What an answer rests on: what is of then, what is of now.
NOTES: Mapping[str, tuple[str, str]] = {
    "model_then": (
        "글의 분류는 그때의 모델이 한 것입니다.",
        "Texts were classified by the model of then.",
    ),
    "network_now": (
        "의존 관계는 지금의 공급망으로 계산했습니다.",
        "Exposures are of the network of now.",
    ),
    "rules_only": (
        "사람의 조치(확인·서명·해제)는 다시 하지 않았습니다.",
        "What people did (signing, clearing) is not played again.",
    ),
    "warmed_up": (
        "앞 120일부터 돌려 시작할 때 열려 있던 경보를 맞추었습니다.",
        "It is played from 120 days before, so that alerts stand as they did at the start.",
    ),
}


def of(pair: tuple[str, str], lang: str) -> str:
    """
    >>> of(("가", "a"), "en")
    'a'
    """
    return pair[0] if lang == "ko" else pair[1]


def by_powers(measure: str) -> bool:
    """Whether a slider of the measure goes by powers of ten."""
    return measure in POWERS


def number(value: float) -> str:
    """A threshold as a person writes it.

    >>> number(0.7), number(0.0013), number(1.35), number(2.0), number(-5)
    ('0.70', '0.0013', '1.35', '2', '-5')
    >>> number(float("nan")), number(float("inf"))
    ('nan', 'inf')
    """
    if not isfinite(value):  # typed so: the page says why it cannot be
        return f"{value:g}"
    if value == round(value) and abs(value) < 1e12:
        return f"{value:.0f}"
    short = f"{value:.2f}" if abs(value) >= 0.1 else f"{value:g}"
    # What the form shows comes back with it: a rounded number would read as a change.
    return short if float(short) == value else repr(value)


def measure_name(measure: str, lang: str) -> str:
    key = f"measure.{measure}"
    return say(key, lang) if key in phrases() else measure


def measure_means(measure: str, lang: str) -> str:
    key = f"measure_means.{measure}"
    return say(key, lang) if key in phrases() else MEASURES.get(measure, "")


def rule_name(rule: str, lang: str) -> str:
    """Words for a shipped rule; the code of any other."""
    return of(RULES[rule], lang) if rule in RULES else rule


def sentence(measure: str, raise_at: float, clear_at: float, lang: str) -> str:
    """One line of a rule as a sentence.

    >>> sentence("probability", 0.7, 0.45, "ko")
    '확률이 0.70 이상이면 올리고 0.45 밑으로 내려가면 놓습니다'
    >>> sentence("severity", 1.35, 1.0, "en")
    'severity (0-3) of 1.35 or more raises it; below 1 lets it go'
    >>> sentence("named", 1, 1, "en"), sentence("named", 0, 0, "en")
    ('must hold', 'does not matter')
    """
    if measure in YES_OR_NO:
        asked = raise_at > 0
        if lang == "ko":
            return "반드시 있어야 합니다" if asked else "따지지 않습니다"
        return "must hold" if asked else "does not matter"
    up, down = number(raise_at), number(clear_at)
    if lang == "ko":
        subject = SUBJECTS.get(measure, f"{measure_name(measure, lang)} 값이")
        return f"{subject} {up} 이상이면 올리고 {down} 밑으로 내려가면 놓습니다"
    return f"{measure_name(measure, lang)} of {up} or more raises it; below {down} lets it go"


def key_name(key: str, lang: str, country: Mapping[str, str]) -> str:
    """A dotted key in words; `country` names the codes there are. An unknown key stays as it is.

    >>> key_name("rules.caution-item.when.severity.raise_at", "en", {})
    'Likely right, and of weight: severity (0-3), raise at'
    >>> key_name("budget.molit", "ko", {})
    '하루 한도: molit'
    """
    part = key.split(".")
    if part[0] == "rules" and len(part) == 5 and part[2] == "when":
        side = {"raise_at": ("올리는 값", "raise at"), "clear_at": ("놓는 값", "let go below")}
        what = f"{rule_name(part[1], lang)}: {measure_name(part[3], lang)}"
        return f"{what}, {of(side[part[4]], lang)}" if part[4] in side else key
    if part[0] in ("budget", "budgets") and len(part) >= 2:
        receiver = ".".join(part[1:])
        return f"{of(('하루 한도', 'Messages a day'), lang)}: {receiver}"
    if part[0] == "sensitivity" and len(part) == 3:
        named = (
            country.get(part[2], part[2]) if part[1] == "countries" else type_name(part[2], lang)
        )
        return f"{of(('민감도', 'Sensitivity'), lang)}: {named}"
    if key in SETTINGS:
        return of(SETTINGS[key], lang)
    if part[0] in SECTIONS:
        return f"{of(SECTIONS[part[0]], lang)}: {'.'.join(part[1:])}"
    return key


def type_name(code: str, lang: str) -> str:
    return TYPES[code].label(lang) if code in TYPES else code


def note(key: str, lang: str) -> str:
    """A note about what an answer rests on; one without words as it is."""
    return of(NOTES[key], lang) if key in NOTES else key
