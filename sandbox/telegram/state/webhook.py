"""Where updates go instead of getUpdates, and how the last deliveries went."""

import asyncio
import json
import re
import time
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from sandbox.telegram.errors import BotApiError, bad_request, conflict, too_many
from sandbox.telegram.state.settings import Settings

PORTS = (443, 80, 88, 8443)
DEFAULT_CONNECTIONS = 40
SETTLE_SECONDS = 0.2
"""How long a new address is looked at before it holds, as Telegram resolves the name first."""
GONE_AFTER = 3
"""So many answers 410 in a row remove the webhook."""

_NAME = "webhook"
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Target:
    """An address with what was said about it."""

    url: str
    secret_token: str = ""
    max_connections: int = DEFAULT_CONNECTIONS
    ip_address: str = ""
    has_custom_certificate: bool = False


class Webhook:
    """The bot's one webhook. Kept over restarts, but for how the last deliveries went."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._setting: asyncio.Future[None] | None = None
        self._not_before = 0.0
        self.changed = asyncio.Event()
        self.last_error: tuple[int, str] | None = None
        self._gone = 0

    @property
    def target(self) -> Target | None:
        """Where updates go; None: getUpdates fetches them."""
        kept = self._settings.get(_NAME, "")
        return Target(**json.loads(kept)) if kept else None

    async def set(self, target: Target) -> bool:
        """Whether it is a new one. Raises BotApiError, also where another call ends this one."""
        check_url(target.url)
        if target.secret_token and not _SECRET.fullmatch(target.secret_token):
            raise bad_request("secret token contains unallowed characters")
        self._slow_down()
        self._end_setting()
        if target == self.target:
            return False
        self._setting = asyncio.get_running_loop().create_future()
        await self._settle(self._setting)
        self._keep(json.dumps(asdict(target)))
        return True

    def delete(self) -> bool:
        """Whether there was one."""
        was_there = self.target is not None
        self._end_setting()
        self._keep("")
        return was_there

    def failed(self, message: str) -> None:
        """A delivery did not succeed."""
        self.last_error = (int(time.time()), message)

    def gone(self) -> None:
        """The other side says 410; after some of them the webhook is dropped."""
        self._gone += 1
        if self._gone >= GONE_AFTER:
            self.delete()

    def succeeded(self) -> None:
        """A delivery did."""
        self._gone = 0

    def to_json(self) -> dict[str, Any]:
        """The fields of a `WebhookInfo` that are about the address."""
        target = self.target
        if target is None:
            return {"url": "", "has_custom_certificate": False}
        info: dict[str, Any] = {
            "url": target.url,
            "has_custom_certificate": target.has_custom_certificate,
            "max_connections": target.max_connections,
        }
        if target.ip_address:
            info["ip_address"] = target.ip_address
        if self.last_error:
            info["last_error_date"], info["last_error_message"] = self.last_error
        return info

    async def _settle(self, mine: asyncio.Future[None]) -> None:
        try:
            await asyncio.wait_for(asyncio.shield(mine), SETTLE_SECONDS)
        except TimeoutError:
            return
        finally:
            if self._setting is mine:
                self._setting = None

    def _slow_down(self) -> None:
        now = time.monotonic()
        if now < self._not_before:
            raise too_many(1)
        self._not_before = now + 1.0

    def _end_setting(self) -> None:
        if self._setting is not None and not self._setting.done():
            self._setting.set_exception(_other())
            self._setting = None

    def _keep(self, value: str) -> None:
        self._settings[_NAME] = value
        self.last_error = None
        self._gone = 0
        self.changed.set()


def _other() -> BotApiError:
    return conflict("terminated by other setWebhook")


def check_url(url: str) -> None:
    """Raises BotApiError for an address that Telegram refuses.

    Plain HTTP is for this machine and its containers, as with one's own Bot API server.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise bad_request("bad webhook: invalid webhook URL specified") from error
    if parts.scheme == "http" and (host in _LOOPBACK or (host and "." not in host)):
        return
    if parts.scheme != "https" or not host:
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if (port or 443) not in PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
