"""In which letters are these bytes written? BOM, UTF-8, what the labels say, what reads as language.

A label is believed when what comes out reads as some language; otherwise every usual charset is
tried and the most readable wins. Readable is measured by the letters that a language uses most:
two-byte text read in a wrong table gives letters that nobody uses. The letters of Korean are counted
in our recorded headlines; those of Chinese and Japanese are the usual ones of news.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator

from charset_normalizer import from_bytes

# Pages labelled EUC-KR are written in its superset cp949, and so on for the others
# (https://encoding.spec.whatwg.org/#names-and-labels).
_SUPERSETS = {
    "euc-kr": "cp949", "euckr": "cp949", "ks_c_5601": "cp949", "ks_c_5601-1987": "cp949",
    "ks-c-5601-1987": "cp949", "ksc5601": "cp949", "ms949": "cp949", "windows-949": "cp949",
    "x-windows-949": "cp949", "uhc": "cp949", "korean": "cp949",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030",
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "x-x-big5": "big5hkscs", "cn-big5": "big5hkscs",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932",
    "windows-31j": "cp932", "x-euc-jp": "euc_jp",
    "iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252",
    "ascii": "cp1252", "iso-8859-9": "cp1254", "tis-620": "cp874",
}  # fmt: skip
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(
    rb"""(?:<\?xml[^>]{0,200}?encoding|<meta[^>]{0,200}?charset)\s*=\s*["']?\s*([\w.:-]{2,40})""",
    re.IGNORECASE,
)
# Tried when no label helps, Korean first: it is what we meet undeclared.
_RIVALS = ("cp949", "gb18030", "big5hkscs", "euc_jp", "cp932", "cp1251", "koi8-r", "cp1252")
_SAMPLE = 16_000  # bytes that are judged, from the first one that is not ASCII
_BELIEVED = 0.4  # readable enough for what a label says
_CLEAR = 0.25  # readable enough to be taken without a label
_CLEAR_ALONE = 0.5  # the same for single-byte charsets, which any bytes fit: Thai, Hebrew, Greek
_BONUS = 0.15  # what a label is worth beside a charset that nobody named


def decode(body: bytes, http_label: str = "") -> str:
    """The text of a body, whatever its label says. Bytes that fit nothing become U+FFFD; it never
    raises.

    UTF-8 goes before the labels because a wrong label is common and valid UTF-8 by chance is not.
    """
    for bom, name in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(name, "replace")
    if (wide := _utf16_without_bom(body)) is not None:
        return wide
    declared = _DECLARED.search(body[:2048])
    labels = [declared.group(1).decode("ascii", "replace") if declared else "", http_label]
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        mostly = _nearly_utf8(body, error.start, any("utf" in one.lower() for one in labels))
        return mostly or _most_readable(body, labels, error.start)
    return (_escaped(body, labels) or text) if "\x1b" in text else text


def _utf16_without_bom(body: bytes) -> str | None:
    head = body[:4]
    if head == b"<\x00?\x00":
        return body.decode("utf-16-le", "replace")
    if head == b"\x00<\x00?":
        return body.decode("utf-16-be", "replace")
    return None


def _escaped(body: bytes, labels: list[str]) -> str | None:
    """ISO-2022-JP and -KR are seven-bit, so they pass for UTF-8."""
    names = [name for name in map(_name, labels) if name.startswith("iso-2022-")]
    return next((text for name in names if (text := _read(body, name)) is not None), None)


def _nearly_utf8(body: bytes, first_bad: int, declared: bool) -> str | None:
    """UTF-8 with a few letters broken: cut by a byte count, at the end or in each summary."""
    text = body.decode("utf-8", "replace")
    if first_bad > 0.9 * len(body) and any(b > 127 for b in body[:first_bad]):
        return text
    bad = text.count("\ufffd")
    good = sum(1 for char in text[:200_000] if char > "\x7f") - bad
    return text if good >= bad * (2 if declared else 10) else None


def _most_readable(body: bytes, labels: list[str], first_bad: int) -> str:
    start = first_bad  # the text before is UTF-8: nearly always ASCII
    while start and body[start - 1] > 127:
        start -= 1
    sample = body[start : start + _SAMPLE]
    rated: list[tuple[float, str]] = []
    for name in dict.fromkeys(filter(None, map(_name, labels))):
        text = _read(sample, name)
        if text is None:
            continue
        worth = readable(text, name)
        if worth >= _BELIEVED:
            return body.decode(name, "replace")
        rated.append((worth + _BONUS, name))
    for name in _RIVALS:
        rated.append((readable(sample.decode(name, "replace"), name), name))
    worth, best = max(rated, key=lambda one: one[0])
    needed = _CLEAR_ALONE if best in _RIVALS[-3:] else _CLEAR
    if worth < needed and (match := from_bytes(sample).best()) is not None:
        best = match.encoding
    return body.decode(best, "replace")


def _name(label: str) -> str:
    """The charset that a label means; "" for none and for UTF-8, which these bytes are not."""
    name = label.strip().strip("\"'").lower()
    name = _SUPERSETS.get(name, name)
    return "" if name.replace("-", "").replace("_", "") in {"utf8", "utf7"} else name


def _read(body: bytes, name: str) -> str | None:
    try:
        return body.decode(name, "replace")
    except (LookupError, ValueError):
        return None


# --------------------------------------------------------------------------- what reads as language

_LATIN = re.compile("[\xaa\xba\xc0-\xd6\xd8-\xf6\xf8-\u024f]+")
_PLAIN = frozenset("àâäáãåçèéêëìíîïñòóôöõøùúûüýÿßæœÀÂÄÁÃÅÇÈÉÊËÍÎÏÑÓÔÖÕØÚÛÜÆŒ")
# a small Cyrillic letter before a capital, or one inside a Latin word: two-byte text or French
_MIXED = re.compile(
    "[\u0430-\u045f][\u0400-\u042f]|[A-Za-z][\u0400-\u045f]|[\u0400-\u045f][A-Za-z]"
)
# signs that most charsets have; they tell nothing
_SIGNS = re.compile(
    "[\x00-\x7f\xa0\u2010-\u203b\u20ac\u2103\u2116\u2122\u2190-\u2199\u2460-\u24ff"
    "\u25a0-\u266f\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]+"
)


def readable(text: str, charset: str) -> float:
    """How much of a text, read in `charset`, is letters that a language uses often: at most 1;
    below 0 when much of it is no letter at all. A text without foreign letters is 1."""
    letters = _SIGNS.sub("", text)[:2000]
    if not letters:
        return 1.0
    kana = 1.0 if charset in ("euc_jp", "cp932", "iso-2022-jp") else 0.0
    points = sum(_worth(char, kana) for char in letters) + sum(_latin(text))
    return (points - len(_MIXED.findall(text))) / len(letters)


def _worth(char: str, kana: float) -> float:
    code = ord(char)
    for first, last, worth in _WORTH:
        if first <= code <= last:
            return worth(char) if callable(worth) else worth
    if 0x3041 <= code <= 0x30FF:
        return kana  # the Chinese and Korean tables have kana too, at the places of the Japanese
    return 0.6  # a script that we have no table of: Thai, Arabic, Greek


def _latin(text: str) -> Iterator[float]:
    """Accented letters stand alone; a Latin label on two-byte text shows as long runs of them."""
    for run in _LATIN.findall(text[:_SAMPLE]):
        if len(run) <= 2:
            yield from (1.0 if char in _PLAIN else 0.5 for char in run)
        elif len(run) > 3:
            yield -0.5 * len(run)


_HANGUL = frozenset(
    "대이사에기지전한시가자도정원수장국인스주부다의서고로상리일제아보해는만트공성조하화구은개소어"
    "동세경신선산비회년라중위관유진통업명재미나프내안우출연무단속금발계오마최과방영차김여문법강행"
    "교반건용치적드실민역모월체럼파검당들종간특권남청령생북호추매거합요억입식배포투러터천증력크피"
    "분달면등외표으노판임급물운게환현야설니협감코타양학울석려불승결후직심확바광란담박복폭와카약까"
    "데군없격독래집형더총두망예초디준을를"
)
_HAN = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过"
    "发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本"
    "前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很"
    "最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度"
    "门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电"
    "数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马"
    "科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万"
    "取拉格望觉术领共确传师观清今切院让识候带导争运商贸税供链企价矿铁铜铝锂稀土石油航港罢布限查增"
    "减涨跌亿元投融银央府委省厂车汽芯片半源农粮肥料钢煤這個們來為國說時會對於著過發後裡種經麼學現"
    "當沒動還進樣開從實軍無與長機關點業將兩間問並應戰頭見產話給門兒東聲員論處義幾認條係氣題爾別變"
    "總電數報結務場計資許統區隊決馬書則聽達強難權設記類據邊張該規萬覺術領確傳師觀讓識帶導爭運貿稅"
    "價礦鐵銅鋁鋰罷亞歐韓灣漲廠車晶農糧鋼縣億銀縮護齊減錢議調節選續極歷華聯響衝擊稱顯質殺舉親熱訪"
    "談訊釋環腦盤營創緊競轉單檢驗適黨證險標準歲級連発対党九米実円関京戦経言氏田八六約首気七野協総"
    "県続改初午権支産百派済予川際査勝近千考判画参売組案策集団側引昨官増示変男私始島両朝革価村終挙"
    "勢台広容応演歳置流疑局検藤町校沢裁状語球営職証急止送援役構木割聞費付施説転食防補優夫研収断井"
    "足違消境番態鮮備宅害配副算視幹独警宮究育席輸楽乗店述残線率病州武念待試族域助労例衛早映額監験"
    "追審葉伝働景落欧担退賀訴辺造英株技低毎医復仕姿味負閣渡失移差衆写評課末守若脳岡影含福蔵松撃佐"
    "核観察整段横型深字答夜製票況音申様財注呼渉易鉱素磁炭禁薄"
)
_WORTH: tuple[tuple[int, int, float | Callable[[str], float]], ...] = (
    (0xAC00, 0xD7A3, lambda char: float(char in _HANGUL)),
    (0x3400, 0x9FFF, lambda char: float(char in _HAN)),
    (0x0430, 0x044F, 1.0),  # small Cyrillic letters; KOI8 read as 1251 turns small into capital
    (0x0400, 0x045F, 0.3),
    (0x2500, 0x259F, -0.5),  # lines and blocks: anything read as KOI8
    (0x00A1, 0x024F, 0.0),  # Latin: told by `_latin`
    (0x0080, 0x009F, -1.0),
    (0xFF61, 0xFF9F, -0.5),  # half-width kana: single bytes of anything read as Shift JIS
    (0xE000, 0xFAFF, -0.5),
    (0xFFFD, 0xFFFD, -2.0),
    (0x10000, 0x10FFFF, -0.5),
    (0x3131, 0x318E, 0.0),  # single Korean letters: kana read as EUC-KR
)
