"""/rich: whether tables and formulas are sent as rich messages, which old apps do not show."""

import asyncio

import structlog

from smart_kit.contracts.queue import Notice
from smart_kit.errors import DomainError, UpstreamError

from ..texts.translations import N_
from .incoming import REST_TIMEOUT_SECONDS, HandlerServices, IncomingMessage

RICH_ON = N_(
    "Tables and formulas are formatted.\n\nIf your Telegram app doesn't show them, send /rich off."
)
RICH_OFF = N_(
    "Tables and formulas are sent as plain text.\n\nTo have them formatted again, send /rich on."
)

_ON_OFF = {"on": True, "вкл": True, "off": False, "выкл": False}

log = structlog.stdlib.get_logger()


async def handle_rich(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    """Save the choice and confirm it; without a valid argument, show the current setting."""
    user = incoming.user
    is_rich = user is None or user.rich_messages
    wanted = _ON_OFF.get(incoming.argument.lower().rstrip("."))
    if wanted is not None and (user is None or wanted != is_rich):
        try:
            async with asyncio.timeout(REST_TIMEOUT_SECONDS):
                known = user or (await services.rest.get_or_create_user(incoming.sender))[0]
                await services.rest.set_rich_messages(known.id, is_rich=wanted)
        except (TimeoutError, DomainError, UpstreamError) as error:
            log.warning("rich message setting not saved", reason=str(error) or type(error).__name__)
            return incoming.build_notice("try_again_later")
        is_rich = wanted
    return incoming.build_text_notice(RICH_ON if is_rich else RICH_OFF)
