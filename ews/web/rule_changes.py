"""A change of the rules by the API: who asks for it, and what is answered when it cannot be?"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import HTTPException, Request

from alerts.rulebook import RuleError
from ews.acting import person_of
from ews.model import RuleSet
from ews.tuning.rule_tests import FailingCases
from ews.tuning.rule_values import RuleChangeError
from ews.tuning.rules import Changer, RulesConflict
from ews.web.acts_api import key_of, named
from ews.web.site import Site


def changer_of(request: Request, site: Site, what: str) -> Changer:
    """Who asks, and the request's Idempotency-Key, for which it happens once of each kind."""
    person = person_of(site.store, named(request))
    return Changer(person, "api", f"{key_of(request, person)}:{what}")


def saved(do: Callable[[], RuleSet]) -> RuleSet:
    """The new version; 409 when somebody saved meanwhile or rule tests fail, 400 for what cannot be."""
    try:
        return do()
    except (RulesConflict, FailingCases) as err:
        raise HTTPException(409, str(err)) from err
    except (RuleChangeError, RuleError) as err:
        raise HTTPException(400, str(err)) from err
