"""The webhook: its address, its validation, and the result of the last deliveries."""

import asyncio
import json
import re
import time
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from sandbox.telegram.errors import bad_request, conflict, too_many_requests
from sandbox.telegram.state.database import SettingStore

ALLOWED_PORTS = (443, 80, 88, 8443)
SETTLE_SECONDS = 0.2
"""Seconds until a new address takes effect; Telegram resolves the host name meanwhile."""
MAX_GONE_RESPONSES = 3
"""Responses 410 in a row after which the webhook is removed."""

_SECRET_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}")
_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class WebhookTarget:
    """The parameters of setWebhook."""

    url: str
    has_custom_certificate: bool
    max_connections: int
    ip_address: str
    secret_token: str


class Webhook:
    """The bot's webhook; the address survives a restart, the delivery results do not."""

    def __init__(self, settings: SettingStore) -> None:
        self._settings = settings
        self._pending_set: asyncio.Future[None] | None = None
        self._next_set_at = 0.0
        self.changed = asyncio.Event()
        self.last_error: tuple[int, str] | None = None
        self._gone_count = 0

    @property
    def target(self) -> WebhookTarget | None:
        """The current target; None if the bot uses getUpdates."""
        stored = self._settings.get("webhook", "")
        return WebhookTarget(**json.loads(stored)) if stored else None

    async def set_target(self, target: WebhookTarget) -> bool:
        """Set the target and return whether it is new. A newer call ends this one with an error."""
        _validate_url(target.url)
        if target.secret_token and not _SECRET_TOKEN.fullmatch(target.secret_token):
            raise bad_request("secret token contains unallowed characters")
        now = time.monotonic()
        if now < self._next_set_at:
            raise too_many_requests(1)
        self._next_set_at = now + 1.0
        self._cancel_pending_set()
        if target == self.target:
            return False
        self._pending_set = pending = asyncio.get_running_loop().create_future()
        await asyncio.wait([pending], timeout=SETTLE_SECONDS)
        if pending.done():
            raise conflict("terminated by other setWebhook")
        self._pending_set = None
        self._save(json.dumps(asdict(target)))
        return True

    def delete(self) -> bool:
        """Remove the webhook and return whether there was one."""
        existed = self.target is not None
        self._cancel_pending_set()
        self._save("")
        return existed

    def record_failure(self, message: str) -> None:
        """Store the error of a delivery."""
        self.last_error = (int(time.time()), message)

    def record_gone(self) -> None:
        """Count a response 410; the third in a row removes the webhook."""
        self._gone_count += 1
        if self._gone_count >= MAX_GONE_RESPONSES:
            self.delete()

    def record_success(self) -> None:
        """Reset the count of responses 410."""
        self._gone_count = 0

    def to_json(self) -> dict[str, Any]:
        """Return the fields of `WebhookInfo` about the address and the last error."""
        target = self.target
        if target is None:
            return {"url": "", "has_custom_certificate": False}
        info = asdict(target)
        del info["secret_token"]
        if not target.ip_address:
            del info["ip_address"]
        if self.last_error:
            info["last_error_date"], info["last_error_message"] = self.last_error
        return info

    def _cancel_pending_set(self) -> None:
        if self._pending_set is not None:
            self._pending_set.set_result(None)
            self._pending_set = None

    def _save(self, value: str) -> None:
        self._settings.set("webhook", value)
        self.last_error = None
        self._gone_count = 0
        self.changed.set()


def _validate_url(url: str) -> None:
    """Raise BotApiError for an address that Telegram refuses.

    Plain HTTP is accepted for this machine and its containers, as by a local Bot API server.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise bad_request("bad webhook: invalid webhook URL specified") from error
    if parts.scheme == "http" and (host in _LOOPBACK_HOSTS or (host and "." not in host)):
        return
    if parts.scheme != "https" or not host:
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if (port or 443) not in ALLOWED_PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
