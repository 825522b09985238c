"""/start, also with the code of an invitation."""

import asyncio
import re

import structlog

from smart_kit.contracts.queue import Notice, NoticeName
from smart_kit.errors import DomainError, UpstreamError

from ..texts.translations import N_
from .context import REST_TIMEOUT_SECONDS, HandlerContext
from .handler import Handler
from .incoming import IncomingMessage

_CODE_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = structlog.stdlib.get_logger()


async def handle_start(context: HandlerContext, incoming: IncomingMessage) -> Notice:
    """Greet somebody who may talk."""
    if incoming.person is not None:
        return incoming.build_notice("welcome_back", first_name=incoming.sender.first_name)
    try:
        async with asyncio.timeout(REST_TIMEOUT_SECONDS):
            _, is_new = await context.rest.get_or_create_user(incoming.sender)
    except (TimeoutError, DomainError, UpstreamError) as error:
        log.warning("greeting failed", reason=str(error) or type(error).__name__)
        return incoming.build_notice("try_again_later")
    name: NoticeName = "welcome" if is_new else "welcome_back"
    return incoming.build_notice(name, first_name=incoming.sender.first_name)


async def handle_invitation(context: HandlerContext, incoming: IncomingMessage) -> Notice | None:
    """Let somebody in who has a code; None where they have tried too often."""
    telegram_id = incoming.sender.telegram_id
    is_allowed = context.access.is_allowed(telegram_id, incoming.person)
    if not await context.access.allow_invite_attempt(telegram_id):
        log.warning("too many invitation attempts", telegram_id=telegram_id)
        return await handle_start(context, incoming) if is_allowed else None
    try:
        async with asyncio.timeout(REST_TIMEOUT_SECONDS):
            await _redeem(context, incoming)
    except (TimeoutError, UpstreamError) as error:
        log.warning("invitation redemption failed", reason=str(error) or type(error).__name__)
        return incoming.build_notice("try_again_later")
    except DomainError as error:
        log.info("invitation refused", telegram_id=telegram_id, reason=error.message)
        if is_allowed:  # an old link, or this very update once more
            return await handle_start(context, incoming)
        return incoming.build_notice("invite_invalid")
    log.info("invitation redeemed", telegram_id=telegram_id)
    return incoming.build_notice("invite_redeemed", first_name=incoming.sender.first_name)


async def _redeem(context: HandlerContext, incoming: IncomingMessage) -> None:
    assert incoming.command is not None
    code = incoming.command.argument
    if not _CODE_PATTERN.fullmatch(code):
        raise DomainError("This cannot be a code.")
    await context.rest.redeem_invite(code, incoming.sender)


HANDLER = Handler("start", N_("say hello"), handle_start)
