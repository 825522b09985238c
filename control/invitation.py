"""Invitation links."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from control.errors import ControlError
from control.http_client import RequestFailed, request
from control.settings import Settings
from control.variables import TELEGRAM_URL


class OwnerExists(ControlError):
    """There can be only one owner."""


@dataclass(frozen=True)
class Invitation:
    """A single-use code."""

    code: str
    expires_at: str
    bot_username: str

    @property
    def url(self) -> str:
        return f"https://t.me/{self.bot_username}?start={self.code}"


def create(settings: Settings, *, role: Literal["owner", "user"]) -> Invitation:
    """Create an invitation. Raises OwnerExists, or ControlError with the reason."""
    url = f"{settings.values['REST_SERVICE_URL']}/api/invites"
    token = settings.values.get("ADMIN_API_TOKEN")
    if token is None:
        raise ControlError("there is no ADMIN_API_TOKEN yet: ./manage.py start makes it")
    answer = request("POST", url, body={"role": role}, token=token)
    if answer.status == HTTPStatus.CONFLICT:
        raise OwnerExists(answer.detail)
    if not answer.ok:
        raise ControlError(f"rest_service gives no invitation: {answer.detail}")
    return Invitation(answer.body["code"], answer.body["expires_at"], _fetch_bot_username(settings))


def _fetch_bot_username(settings: Settings) -> str:
    api = settings.values.get("TELEGRAM_API_URL", TELEGRAM_URL).rstrip("/")
    try:
        answer = request("GET", f"{api}/bot{settings.values['TELEGRAM_TOKEN']}/getMe")
    except RequestFailed as error:
        raise ControlError(f"Telegram: {error}") from error
    if not answer.ok:
        raise ControlError(f"Telegram does not know this bot: {answer.detail}")
    return str(answer.body["result"]["username"])
