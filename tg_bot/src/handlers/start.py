"""/start, also with the code of an invitation."""

import asyncio
import re

import structlog

from smart_kit.contracts.queue import Notice, NoticeName
from smart_kit.errors import DomainError, UpstreamError

from ..texts.translations import N_
from .context import REST_SECONDS, Context
from .handler import Handler
from .incoming import Incoming

_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = structlog.stdlib.get_logger()


async def handle_start(context: Context, incoming: Incoming) -> Notice:
    """Greet somebody who may talk."""
    if incoming.person is not None:
        return incoming.notice("welcome_back", first_name=incoming.sender.first_name)
    try:
        async with asyncio.timeout(REST_SECONDS):
            _, is_new = await context.rest.get_or_create_user(incoming.sender)
    except (TimeoutError, DomainError, UpstreamError) as error:
        log.warning("nobody could be greeted", reason=str(error) or type(error).__name__)
        return incoming.notice("try_again_later")
    name: NoticeName = "welcome" if is_new else "welcome_back"
    return incoming.notice(name, first_name=incoming.sender.first_name)


async def handle_invitation(context: Context, incoming: Incoming) -> Notice | None:
    """Let somebody in who has a code; None where they have tried too often."""
    telegram_id = incoming.sender.telegram_id
    may_talk = context.access.is_allowed(telegram_id, incoming.person)
    if not await context.access.may_try(telegram_id):
        log.warning("too many tries of invitations", telegram_id=telegram_id)
        return await handle_start(context, incoming) if may_talk else None
    try:
        async with asyncio.timeout(REST_SECONDS):
            await _redeem(context, incoming)
    except (TimeoutError, UpstreamError) as error:
        log.warning("invitation not redeemed", reason=str(error) or type(error).__name__)
        return incoming.notice("try_again_later")
    except DomainError as error:
        log.info("invitation refused", telegram_id=telegram_id, reason=error.message)
        if may_talk:  # an old link, or this very update once more
            return await handle_start(context, incoming)
        return incoming.notice("pairing_failed")
    log.info("invitation redeemed", telegram_id=telegram_id)
    return incoming.notice("paired", first_name=incoming.sender.first_name)


async def _redeem(context: Context, incoming: Incoming) -> None:
    assert incoming.command is not None
    code = incoming.command.argument
    if not _CODE.fullmatch(code):
        raise DomainError("This cannot be a code.")
    await context.rest.redeem_invite(code, incoming.sender)


HANDLER = Handler("start", N_("say hello"), handle_start)
