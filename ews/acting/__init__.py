"""What may a person do, and what is done: once, in one transaction, under their name."""

from alerts.life import ActRefused
from ews.acting.allowed import (
    MACHINE,
    MAY,
    SIGNING,
    NotAllowed,
    NotFound,
    permitted,
    person_of,
    refusal,
)
from ews.acting.decisions import decisions
from ews.acting.doing import Acted, act, clean, recorded
from ews.acting.steps import UNMOVED, Moved

__all__ = [
    "MACHINE",
    "MAY",
    "SIGNING",
    "UNMOVED",
    "ActRefused",
    "Acted",
    "Moved",
    "NotAllowed",
    "NotFound",
    "act",
    "clean",
    "decisions",
    "permitted",
    "person_of",
    "recorded",
    "refusal",
]
