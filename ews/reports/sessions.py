"""Sessions of the pages: signing in by a name and password or a token, and how long it lasts.

A session is a token of its own, kept as its digest beside the others, with an end. The token that
was typed stays out of the browser. It ends 12 hours after it began, after an hour without a
question, when the person signs out or is disabled, and when the password or the token changes.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from alerts.words import Bilingual
from ews.model import content_id
from ews.reports.passwords import fits, hashed, outdated
from ews.reports.viewer import TOKEN_BYTES, SignedOut, Viewer, WrongToken, digest_of
from ews.storage import Store
from ews.storage.viewers import SESSION, KnownViewer

LASTS = timedelta(hours=12)
IDLE = timedelta(hours=1)
NOTED_EVERY = timedelta(minutes=5)  # how often a question moves the idle end: each move is a write
FORGOTTEN_AFTER = timedelta(days=7)  # until then an ended session is known as one, not as a guess


class WrongPassword(WrongToken):
    """No such name, no password, a wrong one, a disabled person: one answer for all."""

    def __init__(self) -> None:
        Bilingual.__init__(self, "name or password is wrong", "이름이나 비밀번호가 틀렸습니다.")


def looking(store: Store, token: str, now: datetime) -> Viewer:
    """The viewer of a session, or of a token. SignedOut for a session that has ended."""
    known = store.viewer_of(digest_of(token))
    if known is None:
        raise WrongToken
    if known.expires_at is not None:
        if known.expires_at <= now:
            raise SignedOut
        _move_end(store, known, now)
    return Viewer(known.role, known.owner, known.person)


def _move_end(store: Store, known: KnownViewer, now: datetime) -> None:
    end = min(known.added_at + LASTS, now + IDLE)
    if known.expires_at is not None and end - known.expires_at >= NOTED_EVERY:
        store.extend_session(known.id, end)


def sign_in_by_token(store: Store, token: str, now: datetime) -> str:
    """The token of a new session for whose token it is. WrongToken for any other."""
    with store.begin() as tx:  # a token that is taken back meanwhile begins no session
        known = tx.viewer_of(digest_of(token))
        if known is None or known.expires_at is not None:
            raise WrongToken
        return _begin(tx, known.id, known.role, known.owner, known.person, now)


def sign_in_by_password(store: Store, name: str, password: str, now: datetime) -> str:
    """The token of a new session for that person. WrongPassword otherwise, as slowly for a name
    that nobody has."""
    person = store.person(name=name) if name.isprintable() else None
    kept = store.password(person.id) if person and person.disabled_at is None else None
    if not fits(kept, password) or person is None or kept is None:
        raise WrongPassword
    anew = hashed(password) if outdated(kept) else None  # slow: before the transaction
    with store.begin() as tx:
        if tx.password(person.id) != kept:  # changed or taken away while it was compared
            raise WrongPassword
        if anew is not None:
            tx.set_password(person.id, anew)
        return _begin(tx, person.id, person.role, person.owner, person.name, now)


def sign_out(store: Store, token: str) -> None:
    """End the session; a token that is none stays as it is."""
    known = store.viewer_of(digest_of(token))
    if known is not None and known.expires_at is not None:
        store.remove_viewer(known.id)


def _begin(
    tx: Store, by: str, role: str, owner: str | None, person: str | None, now: datetime
) -> str:
    token = f"ews_s_{secrets.token_urlsafe(TOKEN_BYTES)}"
    digest = digest_of(token)
    tx.forget_sessions(now - FORGOTTEN_AFTER)
    tx.add_viewer(
        content_id("ses", digest), digest, role, owner, f"{SESSION}{by}", now, person,
        expires_at=min(now + LASTS, now + IDLE),
    )  # fmt: skip
    return token
