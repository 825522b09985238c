"""The user's time zone: /timezone, the assistant's question, buttons of both, and a location."""

from collections.abc import Sequence

from smart_kit.contracts.queue import Notice, UserPress
from smart_kit.contracts.users import UserRead, UserUpdate
from smart_kit.places import Place, find_nearest_city, find_zone, suggest_places

from ..client.update import Location
from ..texts.datetimes import format_present_time
from ..texts.reminder_texts import shorten
from ..texts.text_context import TextContext
from ..texts.translations import N_
from ..texts.zone_buttons import build_zone_button, build_zone_buttons, format_country
from .button_values import parse_timezone
from .incoming import (
    ButtonPress,
    HandlerResult,
    HandlerServices,
    IncomingMessage,
    IncomingUpdate,
)
from .job_move import ask_to_move, describe_moved
from .rest_calls import call_rest, get_user_id

CURRENT = N_("Your time zone is {timezone}; it is {time} there.")
NOT_CHOSEN = N_("I do not know your time zone yet. I use {timezone}, where it is {time}.")
HOW_TO_CHANGE = N_(
    "To change it, press a button, write for example /timezone Lisbon, or send me your location."
)
UNKNOWN_PLACE = N_("I do not know the place “{place}”.")
SUGGESTIONS = N_("Did you mean one of these?")
NO_SUGGESTIONS = N_("Please write a larger city nearby, or send me your location.")
NEAREST_CITY = N_("The nearest city I know is {city}.")

_BUTTON = "timezone"
_MAX_PLACE_LENGTH = 100


async def handle_timezone(services: HandlerServices, incoming: IncomingMessage) -> HandlerResult:
    """Save the time zone of the place; without one, show the current zone and offer others."""
    place = incoming.argument[:_MAX_PLACE_LENGTH]
    if not place:
        return _show_current(services, incoming)
    timezone = find_zone(place)
    if timezone is None:
        return _suggest(services, incoming, place)
    return await _change(services, incoming, timezone)


async def handle_timezone_button(
    services: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult] | None:
    """Save the time zone of the button."""
    timezone = parse_timezone(press.value)
    return None if timezone is None else (await _change(services, press, timezone),)


async def handle_timezone_answer(
    services: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult] | None:
    """Save the time zone, for which a request of the user waits, unless one was chosen since."""
    changes = await handle_timezone_button(services, press)
    return None if changes is None else (*changes, *press.build_edits())


async def handle_location(
    services: HandlerServices, incoming: IncomingMessage, location: Location
) -> Sequence[HandlerResult]:
    """Save the time zone of the nearest known city."""
    place = find_nearest_city(location.latitude, location.longitude)
    context = incoming.build_context(services)
    text = context.translation.gettext(NEAREST_CITY).format(city=_get_name(place, context))
    change = await _change(services, incoming, place.zone, text)
    if isinstance(change, Notice):
        return (change,)
    notice = incoming.build_text_notice(text)
    # the assistant's answer has the id that follows from the update
    return (notice.model_copy(update={"id": f"location:{incoming.id}"}), change)


def _show_current(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    context = incoming.build_context(services)
    current = CURRENT if _is_chosen(incoming) else NOT_CHOSEN
    state = _describe_zone(current, context.timezone, context)
    advice = context.translation.gettext(HOW_TO_CHANGE)
    zones = services.composer.guess_zones(incoming.sender.language_code, incoming.user)
    buttons = build_zone_buttons(_BUTTON, zones, context)
    return incoming.build_text_notice(f"{state}\n\n{advice}", buttons=buttons)


def _suggest(services: HandlerServices, incoming: IncomingMessage, place: str) -> Notice:
    context = incoming.build_context(services)
    buttons = tuple(
        build_zone_button(_BUTTON, _get_full_name(one, context), one.zone, context)
        for one in suggest_places(place, context.now)
    )
    gettext = context.translation.gettext
    unknown = gettext(UNKNOWN_PLACE).format(place=shorten(place))
    advice = gettext(SUGGESTIONS if buttons else NO_SUGGESTIONS)
    return incoming.build_text_notice(f"{unknown} {advice}", buttons=buttons)


async def _change(
    services: HandlerServices, incoming: IncomingUpdate, timezone: str, preface: str = ""
) -> Notice | UserPress:
    """Save the time zone. While none is known, a request of the user may wait for it: then the
    assistant saves it."""
    if not _is_chosen(incoming):
        return incoming.build_press("timezone", timezone=timezone)
    user = await call_rest(_save(services, incoming, timezone))
    if user is None:
        return incoming.build_notice("try_again_later")
    page = await call_rest(services.rest.list_active_jobs(user.id))
    jobs = page.items if page is not None else []  # the receipt is sent all the same
    context = incoming.build_context(services)
    receipts = (user.effect,) if user.effect is not None else ()
    outcome = describe_moved(jobs, user, context)
    if not receipts:
        outcome = _describe_zone(CURRENT, timezone, context)
    question, buttons = ask_to_move(jobs, user, context)
    text = "\n\n".join(filter(None, (preface, outcome, question)))
    return incoming.build_text_notice(text, buttons=buttons, receipts=receipts)


def _is_chosen(incoming: IncomingUpdate) -> bool:
    return incoming.user is not None and incoming.user.timezone is not None


async def _save(services: HandlerServices, incoming: IncomingUpdate, timezone: str) -> UserRead:
    user_id = await get_user_id(services, incoming)
    change = UserUpdate(timezone=timezone)
    return await services.rest.update_user(user_id, change, incoming.idempotency_key)


def _describe_zone(text: str, timezone: str, context: TextContext) -> str:
    time = format_present_time(timezone, context)
    return context.translation.gettext(text).format(timezone=timezone, time=time)


def _get_full_name(place: Place, context: TextContext) -> str:
    country = format_country(place.country, context)
    return f"{_get_name(place, context)}, {country}"


def _get_name(place: Place, context: TextContext) -> str:
    return place.name_ru if context.translation.language == "ru" else place.name
