"""Who is looking. Made once at the edge and passed down: a firm's data stays the firm's."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from alerts.words import Bilingual
from ews.acting import NotAllowed
from ews.acting import NotFound as NotFound
from ews.model import Exposure, Person, Shock, content_id
from ews.storage import Store
from ews.storage.firms import LINK_SHAPES, check_named
from graph.firms import firm_slug, of_owner

ROLES = ("firm", "official", "analyst", "operator")
TOKEN_BYTES = 32  # 256 random bits


class NotForViewer(NotAllowed):
    """What was asked for is not for a viewer of this role, whatever it holds."""


class WrongToken(Bilingual, PermissionError):
    """A token that nobody has, or that was taken back. Never read as no token."""

    def __init__(self) -> None:
        super().__init__(
            "this token is not known here; it may have been taken back. Ask whoever runs this ews "
            "for one, or ask without a token",
            "알 수 없는 토큰입니다. 거둔 것일 수 있습니다. 운영자에게 새 토큰을 청하십시오.",
        )


class SignedOut(WrongToken):
    """A session that has ended: nothing was guessed."""

    def __init__(self) -> None:
        Bilingual.__init__(
            self,
            "your sign-in has ended; sign in again",
            "로그인이 끝났습니다. 다시 로그인하십시오.",
        )


@dataclass(frozen=True, slots=True)
class Viewer:
    """`owner` names the firm whose own rows may be shown; None sees no firm's rows. `person` is the
    name of who looks; None names nobody, and nothing can be done in its name.

    An operator at the command line of the machine sees every owner's rows. NoOwner for an owner
    without a name.
    """

    role: str = "official"  # official | analyst | firm | operator
    owner: str | None = None
    person: str | None = None

    def __post_init__(self) -> None:
        if self.owner is not None:
            check_named(self.owner)

    def sees(self, owner: str) -> bool:
        return self.role == "operator" or owner == self.owner

    def sees_firm(self, firm: str | None) -> bool:
        """Whether an exposure may be shown: that of no firm, and those of the viewer's own.

        >>> Viewer("firm", "Acme").sees_firm("acme/b"), Viewer("firm", "Acme").sees_firm("b/acme")
        (True, False)
        """
        if firm is None or self.role == "operator":
            return True
        return self.owner is not None and of_owner(firm, self.owner)


OPERATOR = Viewer("operator")
OPEN = Viewer()


def visible(exposures: Iterable[Exposure], viewer: Viewer) -> list[Exposure]:
    """The exposures the viewer may see: those without a firm, and those of its own firms."""
    return [one for one in exposures if viewer.sees_firm(one.firm)]


def rows_seen(
    store: Store, viewer: Viewer, shapes: Collection[str] | None = LINK_SHAPES
) -> list[dict[str, object]]:
    """Rows of firms that the viewer may see, of these shapes; None: of all."""
    if viewer.role == "operator":
        return store.firm_rows(None, shapes)
    return [] if viewer.owner is None else store.firm_rows(viewer.owner, shapes)


def visible_shocks(store: Store, event_id: str, viewer: Viewer) -> list[Shock]:
    """The shocks of an event without those on a supplier that only another's links name."""
    shocks = store.shocks(event_id)
    if viewer.role == "operator" or all(one.target_kind != "firm" for one in shocks):
        return shocks
    own = store.firm_links(viewer.owner) if viewer.owner else []
    suppliers = {f"supplier:{firm_slug(str(row['supplier']))}" for row in own if row["supplier"]}
    return [one for one in shocks if one.target_kind != "firm" or one.target in suppliers]


# --------------------------------------------------------------------------- tokens


def digest_of(token: str) -> str:
    """What is kept of a token: its SHA-256.

    A slow hash guards what people choose and others can guess. A token is 256 random bits: no
    guessing comes near it, so a slow hash would only make each question slow.
    """
    return hashlib.sha256(token.strip().encode()).hexdigest()


def viewer_of(store: Store, token: str) -> Viewer:
    """The viewer whose token it is. WrongToken for any other, a session of the pages too."""
    found = store.viewer_of(digest_of(token))
    if found is None or found.expires_at is not None:
        raise WrongToken
    return Viewer(found.role, found.owner, found.person)


def add_viewer(
    store: Store,
    token: str,
    role: str,
    owner: str | None,
    label: str,
    at: datetime,
    person: Person | None = None,
) -> str:
    """Keep the digest of a new token; the viewer's id, by which it is taken back.

    ValueError for an unknown role, a firm without an owner, or an owner whose name reads like
    that of another: the two would be one in the ids of their firms.
    """
    check_role(store, role, owner)
    id = content_id("vwr", digest_of(token))
    name = None if person is None else person.name
    store.add_viewer(id, digest_of(token), role, owner, label, at, name)
    return id


def check_role(store: Store, role: str, owner: str | None) -> None:
    """ValueError for an unknown role, or an owner that does not go with it."""
    if role not in ROLES:
        raise ValueError(f"no role {role!r}; use one of {', '.join(ROLES)}")
    if (role == "firm") != bool(owner):
        raise ValueError("a firm needs --owner NAME, the name under which its rows are imported; "
                         "nobody else has one")  # fmt: skip
    if owner:
        check_owner(store, owner)


def check_owner(store: Store, owner: str) -> None:
    """ValueError for an owner without a name, and when another owner has the same slug: "Acme,
    Inc." and "ACME Inc"."""
    check_named(owner)
    known = {*store.firm_owners(), *(str(v["owner"]) for v in store.viewers() if v["owner"])}
    known |= {one.owner for one in store.people() if one.owner}
    alike = sorted(one for one in known if one != owner and firm_slug(one) == firm_slug(owner))
    if alike:
        raise ValueError(f"{owner!r} reads like the owner {alike[0]!r}; write it that way, or "
                         "choose a name that differs in more than case and signs")  # fmt: skip
