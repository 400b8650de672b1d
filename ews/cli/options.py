"""Options that many commands share, so that each is spelt and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path | None,
    typer.Option("--home", envvar="EWS_HOME", help="Where ews keeps its state (default .ews)."),
]
Lang = Annotated[str | None, typer.Option("--lang", help="ko or en (default: the setting lang).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
By = Annotated[str, typer.Option("--by", help="Who changes it; kept with the change.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the change.")]
As = Annotated[
    str, typer.Option("--by", help="Person who does it (ews people list); not with a token.")
]
Key = Annotated[
    str, typer.Option("--key", help="Does it once for this key, however often it is run.")
]
