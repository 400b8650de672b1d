"""Pages of brought supply networks, and of what would cost Korea most if it stopped."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from ews.reports import NotFound
from ews.reports.network_files import networks, open_network
from ews.reports.network_ranking import network_systemic
from ews.reports.network_views import NetworkSystemic, NetworkWhatIf
from ews.reports.network_what_if import Blow, network_what_if
from ews.reports.systemic import systemic_report
from ews.web.network_drawing import network_drawn
from ews.web.rendering import language, page
from ews.web.site import Site
from ews.web.what_if import number

SHOWN = 50  # firms of the ranking on the page; the sheet has more
KINDS = (
    ("country", "나라", "Countries"),
    ("chokepoint", "해협·운하", "Straits and canals"),
    ("port", "항만", "Ports"),
    ("origin", "한 나라의 한 품목", "Single origins"),
)


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form holds."""

    node: str = ""  # ids, with commas between them
    sector: str = ""
    percent: str = "60"
    days: str = "30"
    lag: str = "0"
    horizon: str = "60"
    explain: str = ""
    mode: str = "separate"

    def blow(self) -> Blow:
        """ValueError for what is no number."""
        return Blow(
            nodes=tuple(one.strip() for one in self.node.split(",") if one.strip()),
            sector=self.sector,
            percent=number("percent", self.percent),
            days=number("days", self.days),
            lag=number("lag", self.lag),
            horizon=round(number("horizon", self.horizon)),
            explain=self.explain,
            mode=self.mode,
        )


def network_pages(router: APIRouter, site: Site) -> None:
    """/networks, /networks/{name} and /systemic."""

    @router.get("/networks")
    def listed(request: Request) -> HTMLResponse:
        found = networks(site.settings.home, request.state.viewer)
        return page(request, "networks.html", networks=found)

    @router.get("/networks/{name}")
    def network(request: Request, name: str) -> HTMLResponse:
        return _network_page(request, site, name)

    @router.get("/systemic")
    def systemic(request: Request) -> HTMLResponse:
        report = systemic_report(site.clock().date())
        csv = f"/api/v1/systemic.csv?{urlencode({'top': 1000, 'lang': language(request)})}"
        return page(request, "systemic.html", report=report, kinds=KINDS, csv=csv)


def _network_page(request: Request, site: Site, name: str) -> HTMLResponse:
    """The form, the answer when something was asked, and the ranking where there is one."""
    viewer, lang = request.state.viewer, language(request)
    line = open_network(site.settings.home, name, viewer).line
    typed = Typed(**{k: v.strip() for k, v in request.query_params.items() if k in asdict(Typed())})
    found: NetworkWhatIf | None = None
    wrong = ""
    if typed.node or typed.sector:
        try:
            found = network_what_if(site.settings.home, name, typed.blow(), viewer)
        except (NotFound, ValueError) as err:
            wrong = str(err)
    ranking, unranked = _ranking(request, site, name)
    return page(
        request,
        "network.html",
        status=400 if wrong else 200,
        line=line,
        asked=typed,
        found=found,
        wrong=wrong,
        ranking=ranking,
        unranked=unranked,
        csv=f"/api/v1/networks/{name}/systemic.csv?{urlencode({'top': 10_000, 'lang': lang})}",
        again={k: v for k, v in asdict(typed).items() if v and k != "explain"},
        **network_drawn(found, lang),
    )


def _ranking(request: Request, site: Site, name: str) -> tuple[NetworkSystemic | None, str]:
    """The ranking, or why there is none yet."""
    try:
        return network_systemic(
            site.settings.home, name, request.state.viewer, at=site.clock(), top=SHOWN
        ), ""
    except (NotFound, ValueError) as err:
        return None, str(err)
