"""Client of the Telegram Bot API: the methods that the bot uses."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, Self

import aiohttp
from pydantic import ValidationError

from smart_kit.proxy import find_proxy

from ..config.settings import TgBotSettings
from .errors import TelegramOutcomeUnknown, TelegramUnavailable, parse_response
from .update import ALLOWED_UPDATES, WebhookInfo

POLL_TIMEOUT_SECONDS = 25
"""How long Telegram may hold a getUpdates without updates. Its own limit is 50."""

CONNECT_TIMEOUT_SECONDS = 10.0
RESPONSE_TIMEOUT_SECONDS = 30.0


class TelegramClient:
    """Calls the Bot API. An async context manager; every method raises a TelegramError.

    `ensure_lease` is called before each request and raises LeaseNotHeld to prevent it.
    """

    def __init__(
        self, settings: TgBotSettings, ensure_lease: Callable[[], None] = lambda: None
    ) -> None:
        self._ensure_lease = ensure_lease
        self._base_url = settings.telegram_api_url
        self._token = settings.telegram_token
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # the workers' slots limit the requests
            proxy=find_proxy(self._base_url),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def get_me(self) -> dict[str, Any]:
        """Return the bot's `User` object."""
        me = await self._make_request("getMe")
        if not isinstance(me, dict) or not isinstance(me.get("id"), int):
            raise TelegramUnavailable("getMe did not answer with a bot")
        return me

    async def get_updates(
        self, offset: int | None, timeout_seconds: int = POLL_TIMEOUT_SECONDS
    ) -> list[Any]:
        """Wait for raw updates from `offset` on. The call confirms all earlier updates."""
        updates = await self._make_request(
            "getUpdates",
            response_timeout_seconds=timeout_seconds + RESPONSE_TIMEOUT_SECONDS,
            offset=offset,
            timeout=timeout_seconds,
            allowed_updates=ALLOWED_UPDATES,  # without it Telegram uses those of an earlier call
        )
        if not isinstance(updates, list):
            raise TelegramUnavailable("getUpdates did not answer with a list")
        return updates

    async def send_message(
        self,
        chat_id: int,
        text: str,
        *,
        entities: Sequence[dict[str, Any]] = (),
        buttons: Sequence[Sequence[dict[str, Any]]] = (),
        is_silent: bool = False,
    ) -> int:
        """Send formatted text without a link preview; returns the message id."""
        message = await self._make_request(
            "sendMessage",
            chat_id=chat_id,
            text=text,
            entities=entities or None,
            reply_markup=_build_keyboard(buttons),
            disable_notification=is_silent or None,
            link_preview_options={"is_disabled": True},
        )
        return _parse_message_id(message)

    async def send_rich_message(
        self, chat_id: int, blocks: Sequence[dict[str, Any]], *, is_silent: bool = False
    ) -> int:
        """Send blocks; returns the message id. Telegram does not search them for links."""
        message = await self._make_request(
            "sendRichMessage",
            chat_id=chat_id,
            rich_message={"blocks": blocks, "skip_entity_detection": True},
            disable_notification=is_silent or None,
        )
        return _parse_message_id(message)

    async def edit_message_text(self, chat_id: int, message_id: int, text: str) -> None:
        """Replace a message of the bot by plain text without buttons."""
        await self._make_request(
            "editMessageText",
            chat_id=chat_id,
            message_id=message_id,
            text=text,
            link_preview_options={"is_disabled": True},
        )

    async def edit_buttons(
        self, chat_id: int, message_id: int, buttons: Sequence[Sequence[dict[str, Any]]] = ()
    ) -> None:
        """Replace or remove the buttons of a message of the bot."""
        await self._make_request(
            "editMessageReplyMarkup",
            chat_id=chat_id,
            message_id=message_id,
            reply_markup=_build_keyboard(buttons),
        )

    async def send_message_draft(
        self, chat_id: int, draft_id: int, text: str, *, entities: Sequence[dict[str, Any]] = ()
    ) -> None:
        """Show a draft of the answer until the next message, for 30 seconds at most."""
        await self._make_request(
            "sendMessageDraft",
            chat_id=chat_id,
            draft_id=draft_id,
            text=text,
            entities=entities or None,
            can_stop=True,  # else Android blocks the input field under the draft
            keep_on_stop=True,
        )

    async def send_typing(self, chat_id: int) -> None:
        """Show *typing*, for 5 seconds at most."""
        await self._make_request("sendChatAction", chat_id=chat_id, action="typing")

    async def answer_callback_query(self, callback_query_id: str) -> None:
        """Answer a callback query, so that the pressed button stops loading."""
        await self._make_request("answerCallbackQuery", callback_query_id=callback_query_id)

    async def set_webhook(self, url: str, secret_token: str) -> None:
        """Set the webhook; pending updates are kept."""
        await self._make_request(
            "setWebhook",
            url=url,
            secret_token=secret_token,
            max_connections=1,  # over several, updates may arrive out of order (`update_id`)
            allowed_updates=ALLOWED_UPDATES,
            drop_pending_updates=False,
        )

    async def get_webhook_info(self) -> WebhookInfo:
        """Return the webhook's URL and its last error."""
        try:
            return WebhookInfo.model_validate(await self._make_request("getWebhookInfo"))
        except ValidationError:
            raise TelegramUnavailable("getWebhookInfo did not answer with a webhook") from None

    async def delete_webhook(self) -> None:
        """Remove the webhook, so that getUpdates works; pending updates are kept."""
        await self._make_request("deleteWebhook", drop_pending_updates=False)

    async def set_my_commands(
        self, commands: Sequence[dict[str, str]], language_code: str | None = None
    ) -> None:
        """Set the command menu for users of a language; None sets it for all other languages."""
        await self._make_request("setMyCommands", commands=commands, language_code=language_code)

    async def _make_request(
        self,
        method: str,
        *,
        response_timeout_seconds: float = RESPONSE_TIMEOUT_SECONDS,
        **parameters: Any,
    ) -> Any:
        """POST the parameters as JSON, without those that are None, and return the result."""
        assert self._session is not None, "TelegramClient is a context manager"
        self._ensure_lease()
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            async with self._session.post(
                f"{self._base_url}/bot{self._token.get_secret_value()}/{method}",
                data=json.dumps(given),
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(
                    total=CONNECT_TIMEOUT_SECONDS + response_timeout_seconds,
                    connect=CONNECT_TIMEOUT_SECONDS,
                    sock_read=response_timeout_seconds,
                ),
                allow_redirects=False,  # a redirect would send the token to another server
            ) as response:
                body = await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise TelegramUnavailable(_describe_connect_error(error)) from None
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as error:
            raise TelegramOutcomeUnknown(f"{method}: no answer ({type(error).__name__})") from None
        return parse_response(response.status, response.headers, body)


def _build_keyboard(buttons: Sequence[Sequence[dict[str, Any]]]) -> dict[str, Any] | None:
    return {"inline_keyboard": buttons} if buttons else None


def _parse_message_id(message: Any) -> int:
    sent = message.get("message_id") if isinstance(message, dict) else None
    return sent if isinstance(sent, int) else 0


def _describe_connect_error(error: Exception) -> str:
    """Return the reason without the URL, which contains the token."""
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.os_error.strerror or type(error.os_error).__name__
        return f"cannot connect to {error.host}:{error.port}: {reason}"
    return f"cannot connect: {type(error).__name__}"
