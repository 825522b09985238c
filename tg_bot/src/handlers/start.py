"""/start, and /start with an invitation code."""

import re

import structlog

from smart_kit.contracts.queue import Notice, NoticeName
from smart_kit.errors import DomainError

from .incoming import HandlerServices, IncomingMessage
from .rest_calls import call_rest

_CODE_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = structlog.stdlib.get_logger()


async def handle_start(services: HandlerServices, incoming: IncomingMessage) -> Notice | None:
    """Redeem the invitation if there is a code, else greet. None for senders without access."""
    is_allowed = services.access.is_listed_or_invited(incoming.sender.telegram_id, incoming.user)
    if incoming.argument:
        notice = await _redeem_invitation(services, incoming)
        # a user with access may open an old link, or repeat an update that already redeemed it
        if notice is not None and not (is_allowed and notice.notice == "invite_invalid"):
            return notice
    return await _greet(services, incoming) if is_allowed else None


async def _greet(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    name: NoticeName = "welcome_back"
    if incoming.user is None:
        created = await call_rest(services.rest.get_or_create_user(incoming.sender))
        if created is None:
            return incoming.build_notice("try_again_later")
        _, is_new = created
        name = "welcome" if is_new else "welcome_back"
    return incoming.build_notice(name, first_name=incoming.sender.first_name)


async def _redeem_invitation(services: HandlerServices, incoming: IncomingMessage) -> Notice | None:
    """Return the outcome; None after too many attempts."""
    telegram_id = incoming.sender.telegram_id
    if not await services.access.allow_invite_attempt(telegram_id):
        log.warning("too many invitation attempts", telegram_id=telegram_id)
        return None
    is_redeemed = await call_rest(_redeem_code(services, incoming))
    if is_redeemed is None:
        return incoming.build_notice("try_again_later")
    if not is_redeemed:
        return incoming.build_notice("invite_invalid")
    log.info("invitation redeemed", telegram_id=telegram_id)
    return incoming.build_notice("invite_redeemed", first_name=incoming.sender.first_name)


async def _redeem_code(services: HandlerServices, incoming: IncomingMessage) -> bool:
    """Return whether the code is valid."""
    try:
        if not _CODE_PATTERN.fullmatch(incoming.argument):
            raise DomainError("This cannot be a code.")
        await services.rest.redeem_invite(incoming.argument, incoming.sender)
    except DomainError as error:
        telegram_id = incoming.sender.telegram_id
        log.info("invitation refused", telegram_id=telegram_id, reason=error.message)
        return False
    return True
