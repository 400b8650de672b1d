"""Whom to tell, and in which words."""

from ews.telling.rounds import tell
from ews.telling.words import Teller

__all__ = ["Teller", "tell"]
