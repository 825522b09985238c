"""/rich on or off: whether tables and formulas come as rich messages; old apps show none."""

import asyncio

import structlog

from smart_kit.contracts.queue import Notice
from smart_kit.errors import DomainError, UpstreamError

from ..texts.translations import N_
from .context import REST_TIMEOUT_SECONDS, HandlerContext
from .handler import Handler
from .incoming import IncomingMessage

_ON_OFF = {"on": True, "вкл": True, "off": False, "выкл": False}

log = structlog.stdlib.get_logger()


async def handle_rich(context: HandlerContext, incoming: IncomingMessage) -> Notice:
    """Keep the choice; without one, say how it is."""
    assert incoming.command is not None
    person = incoming.person
    is_rich = person is None or person.rich_messages
    wanted = _ON_OFF.get(incoming.command.argument.lower().rstrip("."))
    if wanted is not None and (person is None or wanted != is_rich):
        try:
            async with asyncio.timeout(REST_TIMEOUT_SECONDS):
                await _save_preference(context, incoming, is_rich=wanted)
        except (TimeoutError, DomainError, UpstreamError) as error:
            log.warning("rich message setting not saved", reason=str(error) or type(error).__name__)
            return incoming.build_notice("try_again_later")
        is_rich = wanted
    return incoming.build_notice("rich_on" if is_rich else "rich_off")


async def _save_preference(
    context: HandlerContext, incoming: IncomingMessage, *, is_rich: bool
) -> None:
    person = incoming.person
    user_id = person.id if person is not None else None
    if user_id is None:
        user, _ = await context.rest.get_or_create_user(incoming.sender)
        user_id = user.id
    await context.rest.set_rich_messages(user_id, is_rich=is_rich)


HANDLER = Handler("rich", N_("layout of tables and formulas: on or off"), handle_rich)
