"""Rows of supply networks that an analyst brought: what there is, what-ifs, systemic rankings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ews.reports.views import BasisCount, Label


@dataclass(frozen=True, slots=True)
class NetworkLine:
    """One network, as it stands."""

    name: str
    version: str  # of the arrays
    nodes: int
    links: int
    inputs: int  # (buyer, commodity)
    items: int
    currency: str  # of weights and losses; "" where shares of spending or nothing was said
    synthetic: bool  # some or all of it was made up
    synthetic_links: int
    bases: tuple[BasisCount, ...]  # of the links' weights
    source: str  # the files, or how it was made up
    imported_by: str
    imported_at: datetime
    digest: str  # of the files


@dataclass(frozen=True, slots=True)
class LossDay:
    """What the whole network loses on one day."""

    day: int
    loss: float  # currency
    share: float  # of what it makes on a normal day, 0..1


@dataclass(frozen=True, slots=True)
class HitFirm:
    """A node that lost, over the horizon."""

    who: Label
    struck: bool  # it was hit itself
    first_day: int
    loss: float  # currency
    share: float  # of what it makes over the horizon, 0..1
    sector: str


@dataclass(frozen=True, slots=True)
class NetworkStep:
    """One hop of a path, from the blow to the firm that loses."""

    supplier: Label
    buyer: Label
    item: str
    weight: float  # share of the supply of that input (down) or of the sales (up), 0..1
    contribution: float  # currency of the loss that came by it
    felt_from: int
    felt_to: int
    basis: str
    source: str
    as_of: str
    synthetic: bool


@dataclass(frozen=True, slots=True)
class NetworkPath:
    """A path that carries a part of a firm's loss."""

    share: float  # of its loss, 0..1
    contribution: float  # currency
    side: str  # down: inputs that were lacking; up: orders that stayed out
    struck: Label  # where the blow fell
    steps: tuple[NetworkStep, ...]


@dataclass(frozen=True, slots=True)
class NetworkWhy:
    """Why one firm loses; paths, circles and the rest add up to its loss."""

    who: Label
    loss: float  # currency
    paths: tuple[NetworkPath, ...]
    circles: float  # share of the loss that went round in circles first
    rest: float  # share that came by paths not listed


@dataclass(frozen=True, slots=True)
class NetworkWhatIf:
    """The answer to a what-if on a network."""

    network: NetworkLine
    targets: tuple[Label, ...]  # nodes that were named
    sector: str  # that was named
    struck: int  # nodes hit
    percent: float
    days: float
    lag: float
    horizon: int
    loss: float  # currency over the horizon
    share: float  # of what the network makes over the horizon
    curve: tuple[LossDay, ...]
    moved: int  # nodes that lost anything
    firms: tuple[HitFirm, ...]  # the greatest losses first; at most as many as asked
    why: NetworkWhy | None  # of the firm asked for, else of the worst that was not hit itself
    theta: float  # smallest change of orders that is passed on
    engine: str
    switches: str
    residual: float


@dataclass(frozen=True, slots=True)
class SystemicFirm:
    """A firm, and what the network loses when it alone closes."""

    rank: int
    who: Label
    sector: str
    esri: float  # share of all sales that fails, 0..1
    down: float  # the part for want of inputs
    up: float  # the part for want of orders
    sales: float  # its own share of all sales
    sweeps: int
    residual: float
    converged: bool


@dataclass(frozen=True, slots=True)
class NetworkSystemic:
    """All firms of a network by what their closing costs."""

    network: NetworkLine
    firms: tuple[SystemicFirm, ...]  # the costliest first, at most as many as asked
    ranked: int  # firms that were closed, each alone: all of them
    sweeps: int  # the most that one needed
    residual: float  # the greatest
    converged: int  # firms whose losses came to rest
    market: bool  # others of a sector step in
    leak: bool  # sales to final demand take a part of upstream losses out of the network
    no_final: int  # firms that sell to other firms only
    engine: str
    switches: str
    made_at: datetime
