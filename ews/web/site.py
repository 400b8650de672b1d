"""What every page and API path needs, made once by create_app()."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from ews.config import Settings
from ews.reports import Viewer
from ews.storage import Store
from ews.web.models import Models


@dataclass(frozen=True, slots=True)
class Site:
    settings: Settings
    store: Store
    viewer: Viewer  # who asks without a token
    clock: Callable[[], datetime]
    models: Models = field(default_factory=Models)
