"""Who the bot is: its token, and what it says about itself in each language."""

import hmac
import re
from typing import Any

from sandbox.telegram.state.settings import SettingStore

USERNAME = "smart_assistant_bot"
DEFAULT_NAME = "Smart Assistant"
_TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{3,}")


class SandboxBot:
    """The one bot of the sandbox."""

    def __init__(self, token: str, settings: SettingStore) -> None:
        self._token = token
        self._settings = settings
        self.id = int(token.partition(":")[0])

    def is_own_token(self, token: str) -> bool:
        """Whether this is its token."""
        return hmac.compare_digest(token.encode(), self._token.encode())

    def get_text(self, field: str, language_code: str) -> str:
        """Exactly what was set for this language ("" = every language)."""
        return self._settings.get(_setting_key(field, language_code), "")

    def set_text(self, field: str, language_code: str, text: str) -> None:
        """Set a `name`, `description` or `short_description`; empty removes it."""
        self._settings[_setting_key(field, language_code)] = text

    def get_effective_text(self, field: str, language_code: str) -> str:
        """What a reader of this language sees."""
        fallback = DEFAULT_NAME if field == "name" else ""
        return self.get_text(field, language_code) or self.get_text(field, "") or fallback

    def to_user(self) -> dict[str, Any]:
        """A `User` of the Bot API, as messages carry it."""
        return {
            "id": self.id,
            "is_bot": True,
            "first_name": self.get_effective_text("name", ""),
            "username": USERNAME,
        }

    def to_me(self) -> dict[str, Any]:
        """The result of getMe."""
        return self.to_user() | {
            "can_join_groups": False,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
            "has_topics_enabled": False,
            "allows_users_to_create_topics": False,
        }


def is_valid_token(text: str) -> bool:
    """Whether it has the shape of a token."""
    return _TOKEN.fullmatch(text) is not None


def _setting_key(field: str, language_code: str) -> str:
    return f"bot.{field}.{language_code}"
