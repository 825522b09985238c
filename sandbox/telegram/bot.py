"""The bot's token and its `User` object."""

import hmac
import re
from typing import Any

NAME = "Smart Assistant"
USERNAME = "smart_assistant_bot"
_MISSING_ABILITIES = (
    "can_join_groups can_read_all_group_messages supports_inline_queries can_connect_to_business "
    "has_main_web_app has_topics_enabled allows_users_to_create_topics"
)
_TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{3,}")


class BotAccount:
    """The one bot of the sandbox."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.id = int(token.partition(":")[0])

    def is_own_token(self, token: str) -> bool:
        """Compare a token with the bot's own in constant time."""
        return hmac.compare_digest(token.encode(), self._token.encode())

    def to_user(self) -> dict[str, Any]:
        """Return the `User` object that messages carry."""
        return {"id": self.id, "is_bot": True, "first_name": NAME, "username": USERNAME}

    def to_get_me_result(self) -> dict[str, Any]:
        """Return the result of getMe."""
        return self.to_user() | dict.fromkeys(_MISSING_ABILITIES.split(), False)


def is_valid_token(text: str) -> bool:
    """Return whether a text has the form of a bot token: digits, a colon, letters."""
    return _TOKEN.fullmatch(text) is not None
