"""What does ews do when somebody presses a button, sends a form or types /ews in Slack?"""

from ews.slack_desk.desk import Desk, open_desk
from ews.slack_desk.outcome import Outcome

__all__ = ["Desk", "Outcome", "open_desk"]
