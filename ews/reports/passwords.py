"""Passwords: kept as argon2id, compared slowly on purpose, told to nobody."""

from __future__ import annotations

import unicodedata
from threading import Semaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from alerts.words import Bilingual

SHORTEST, LONGEST = 12, 500
HASHER = PasswordHasher()  # argon2id, 64 MiB, 3 passes: RFC 9106, second choice
TURNS = Semaphore(2)  # each takes 64 MiB: many guesses at once wait instead of filling the memory


class WeakPassword(Bilingual, ValueError):
    """A password that is too easy to guess; its text is not in the words."""


def check_password(password: str, name: str) -> None:
    """WeakPassword, without the password in it, for one that is too easy to guess."""
    said = _same(password)
    if not SHORTEST <= len(said) <= LONGEST:
        raise WeakPassword(
            f"a password has {SHORTEST} to {LONGEST} letters; a sentence will do",
            f"비밀번호는 {SHORTEST}자에서 {LONGEST}자까지입니다. 문장이면 됩니다.",
        )
    if len(set(said)) < 5 or _same(name).casefold() in said.casefold():
        raise WeakPassword(
            "a password must not be the name, nor a few letters over and over",
            "비밀번호에 이름을 쓰거나 몇 글자를 되풀이할 수 없습니다.",
        )


def hashed(password: str) -> str:
    """The argon2id text that is kept."""
    with TURNS:
        return HASHER.hash(_same(password))


def fits(kept: str | None, password: str) -> bool:
    """Whether it is the password; as slow for somebody who has none."""
    with TURNS:
        try:
            right = HASHER.verify(kept or nobody(), _same(password)[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return right and kept is not None


_NOBODY: list[str] = []


def nobody() -> str:
    """A hash that no password fits, made once: what is compared when there is no such person."""
    if not _NOBODY:
        _NOBODY.append(HASHER.hash("\0nobody"))
    return _NOBODY[0]


def outdated(kept: str) -> bool:
    """Whether it was hashed with weaker settings than those of now."""
    return HASHER.check_needs_rehash(kept)


def _same(password: str) -> str:
    """One spelling, whichever keyboard wrote it: Hangul comes composed or in letters."""
    return unicodedata.normalize("NFKC", password)
