"""What the faces show of a firm's stress test: flat rows with their words in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ews.reports.outlook_views import AlternativeLine
from ews.reports.views import BasisCount, Label


@dataclass(frozen=True, slots=True)
class Given:
    """How many rows the firm gave of each shape."""

    links: int
    declarations: int
    bom: int
    stocks: int


@dataclass(frozen=True, slots=True)
class StopLine:
    """A product, or the firm itself, that loses output while a source is down."""

    who: Label
    lost_days: float  # of its own output


@dataclass(frozen=True, slots=True)
class StockNeed:
    """One part: its stock now, and the smallest that keeps the loss under the line."""

    part: Label
    users: tuple[Label, ...]  # the products and parts that take it
    now_days: float
    now_basis: str  # stated | assumed (nobody said it, so 0)
    enough_days: float | None  # None: no stock is enough


@dataclass(frozen=True, slots=True)
class OtherSupplier:
    """Another supplier of the part that binds, in the firm's own rows."""

    who: Label
    share: float  # of the part today; 0: it sells it for another use
    lead_days: float | None
    lead_basis: str
    qualification_days: float | None  # until what it sends may be used: 0 where it sells today
    qualification_basis: str
    own_loss: float | None  # share of what it sends that the same blow takes
    maybe_same: bool  # it may be the very company that is down, by another spelling


@dataclass(frozen=True, slots=True)
class StrainLine:
    """One source held down: how long the firm lasts, what it loses, what would help."""

    kind: str  # supplier | company | country | chokepoint | port | part | made
    what: Label
    names: tuple[str, ...]  # as the firm writes them
    confidence: float | None  # of a company: that these names are of one
    share: float  # the most of any one part that comes from or by it, 0..1
    share_basis: str
    survive_days: float | None  # time-stepped; None: no loss within looked_days
    looked_days: int
    best_survive_days: float | None  # the longest any plan could last (LP); None: for ever
    recover_days: float
    recover_basis: str  # asked | assumed
    lost_days: float  # days of whole output lost by recovery, least possible (LP)
    lost_share: float  # the same over the days to recover, 0..1
    all_lost_days: float  # all that is lost in the end, time-stepped
    value_basis: str  # of the weights of products: by stated amounts, or assumed
    index: float  # risk exposure index, 0..1
    exposed: bool  # it survives for fewer days than it takes to recover
    stops: tuple[StopLine, ...]
    binding: Label | None  # the part that binds
    stock_days: float | None  # of that part, where it binds
    stock_basis: str
    cover_days: float | None  # how long that lasts once it is missed; None: it is not used up
    lead_basis: str  # of the days on the way, which are survived too
    need_basis: str  # whether production stops without it: stated, or assumed that it does
    stocks: tuple[StockNeed, ...]  # () where the loss keeps the line, or was not looked for
    move_share: float | None  # to be bought elsewhere; None: none is enough
    helped: bool  # whether stocks and moves were looked for
    others: tuple[OtherSupplier, ...]
    origins: tuple[AlternativeLine, ...]  # other origins that sell to Korea, the best three
    synthetic: bool


@dataclass(frozen=True, slots=True)
class TogetherLine:
    """Supplier names that may be one company: a suggestion."""

    names: tuple[str, ...]
    confidence: float
    why: Label
    same: bool  # sure enough that they are also held down together above
    share: float  # the most of any one part that they have together


@dataclass(frozen=True, slots=True)
class KnownLine:
    """A supplier name that may be a listed company: what news writes of that may touch it."""

    name: str
    company: Label
    confidence: float
    why: Label


@dataclass(frozen=True, slots=True)
class RingLine:
    """A ring of sole suppliers that keeps a loss for good once it went round."""

    members: tuple[Label, ...]
    stock_days: tuple[float, ...]
    round_days: int
    recovers_from: float  # greatest share of one member lost from which all comes back


@dataclass(frozen=True, slots=True)
class StressReport:
    """A firm's stress test from what it gave: the sources, the worst first."""

    asked: str
    firms: tuple[Label, ...]
    as_of: datetime
    days: float | None  # that each source was held down; None: each by its share
    line_days: float  # days of whole output that the plans keep the loss under
    given: Given
    synthetic: bool
    missing: tuple[Label, ...]  # what the rows do not say, and what was taken instead
    bases: tuple[BasisCount, ...]  # of all figures that went in
    sources: tuple[StrainLine, ...]
    spare: tuple[Label, ...]  # parts whose loss, for so long, costs no output
    together: tuple[TogetherLine, ...]
    known: tuple[KnownLine, ...]
    rings: tuple[RingLine, ...]

    @property
    def exposed(self) -> int:
        """Sources that outlast what the firm holds."""
        return sum(one.exposed for one in self.sources)
