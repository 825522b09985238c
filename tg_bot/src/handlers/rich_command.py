"""/rich: whether tables and formulas are sent as rich messages, which old apps do not show."""

from smart_kit.contracts.queue import Notice
from smart_kit.contracts.users import UserRead, UserUpdate

from ..texts.translations import N_
from .incoming import HandlerServices, IncomingMessage
from .rest_calls import call_rest, get_user_id

RICH_ON = N_(
    "Tables and formulas are formatted.\n\nIf your Telegram app doesn't show them, send /rich off."
)
RICH_OFF = N_(
    "Tables and formulas are sent as plain text.\n\nTo have them formatted again, send /rich on."
)

_ON_OFF = {"on": True, "вкл": True, "off": False, "выкл": False}


async def handle_rich(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    """Save the choice and confirm it; without a valid argument, show the current setting."""
    user = incoming.user
    is_rich = user is None or user.rich_messages
    wanted = _ON_OFF.get(incoming.argument.lower().rstrip("."))
    if wanted is not None and (user is None or wanted != is_rich):
        if await call_rest(_save(services, incoming, wanted)) is None:
            return incoming.build_notice("try_again_later")
        is_rich = wanted
    gettext = incoming.build_context(services).translation.gettext
    return incoming.build_text_notice(gettext(RICH_ON if is_rich else RICH_OFF))


async def _save(services: HandlerServices, incoming: IncomingMessage, is_rich: bool) -> UserRead:
    user_id = await get_user_id(services, incoming)
    return await services.rest.update_user(user_id, UserUpdate(rich_messages=is_rich))
