"""What the buttons of /reminders and /tasks have in common: each changes one listed record."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from uuid import UUID

from smart_kit.errors import NotFound

from .button_values import parse_row_id
from .incoming import ButtonPress, HandlerResult, HandlerServices
from .rest_calls import call_rest, get_user_id

ChangeRecord = Callable[[HandlerServices, ButtonPress, UUID, UUID], Awaitable[None]]
"""Changes a record of a user, given the ids of both; does nothing if there is nothing to change.
Raises NotFound if the record does not exist."""


async def change_listed_record(
    services: HandlerServices, press: ButtonPress, change: ChangeRecord, gone: str
) -> Sequence[HandlerResult] | None:
    """Change the record of the pressed button, send the receipt, and remove the button.

    `gone` is the English answer if nothing has changed. Returns None if the value is no id.
    """
    record_id = parse_row_id(press.value)
    if record_id is None:
        return None
    results = await call_rest(_change(services, press, record_id, change, gone))
    return results or (press.build_notice("try_again_later"),)


async def _change(
    services: HandlerServices,
    press: ButtonPress,
    record_id: UUID,
    change: ChangeRecord,
    gone: str,
) -> Sequence[HandlerResult]:
    user_id = await get_user_id(services, press)
    with suppress(NotFound):
        await change(services, press, user_id, record_id)
    # looked up also after no change, which an interrupted attempt may have made
    effect = await services.rest.find_effect(user_id, press.id)
    text = press.build_context(services).translation.gettext(gone)
    return (press.build_receipt_notice(effect, text), *press.build_own_button_edits())
