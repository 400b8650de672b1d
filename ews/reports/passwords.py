"""Passwords: kept as argon2id, compared slowly on purpose, told to nobody."""

from __future__ import annotations

import unicodedata
from threading import Semaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 12, 500
HASHER = PasswordHasher()  # argon2id, 64 MiB, 3 passes: RFC 9106, second choice
TURNS = Semaphore(2)  # each takes 64 MiB: many guesses at once wait instead of filling the memory


def check_password(password: str, name: str) -> None:
    """ValueError, without the password in it, for one that is too easy to guess."""
    said = _same(password)
    if not SHORTEST <= len(said) <= LONGEST:
        raise ValueError(f"a password has {SHORTEST} to {LONGEST} letters; a sentence will do")
    if len(set(said)) < 5 or _same(name).casefold() in said.casefold():
        raise ValueError("a password must not be the name, nor a few letters over and over")


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
