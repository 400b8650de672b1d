"""Who is looking. Made once at the edge and passed down: a firm's data stays the firm's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ews.model import Exposure
from ews.storage import Store


class NotFound(LookupError):
    """What was asked for does not exist; the message says what to do."""


class NotForViewer(PermissionError):
    """The viewer may not see what was asked for."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """`owner` names the firm whose own rows may be shown; None sees no firm's rows.

    An operator at the command line of the machine sees every owner's rows.
    """

    role: str = "official"  # official | analyst | firm | operator
    owner: str | None = None

    def sees(self, owner: str) -> bool:
        return self.role == "operator" or owner == self.owner


OPERATOR = Viewer("operator")
OPEN = Viewer()


def visible(store: Store, exposures: Iterable[Exposure], viewer: Viewer) -> list[Exposure]:
    """The exposures the viewer may see: those without a firm, and those of its own firms."""
    found = list(exposures)
    if viewer.role == "operator" or all(one.firm is None for one in found):
        return found
    own = {str(row["firm"]) for row in store.firm_links() if viewer.sees(str(row["owner"]))}
    return [one for one in found if one.firm is None or one.firm in own]
