"""/reminders, and its buttons, which cancel a reminder."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from smart_kit.contracts.queue import Notice
from smart_kit.errors import NotFound

from ..texts.record_lists import render_reminders
from ..texts.translations import N_
from .button_values import parse_row_id
from .incoming import ButtonPress, HandlerResult, HandlerServices, IncomingMessage
from .rest_calls import answer_by_rest, get_user_id

GONE = N_("This reminder has already come or been cancelled.")


async def handle_reminders(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    """List the user's active reminders and scheduled requests."""
    return await answer_by_rest(incoming, _list_reminders(services, incoming))


async def handle_cancel_job(
    services: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult] | None:
    """Cancel a reminder, unless it is no longer active."""
    job_id = parse_row_id(press.value)
    if job_id is None:
        return None
    return (await answer_by_rest(press, _cancel(services, press, job_id)),)


async def _list_reminders(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    page = await services.rest.list_active_jobs(await get_user_id(services, incoming))
    text, buttons = render_reminders(page, incoming.build_context(services))
    return incoming.build_text_notice(text, buttons=buttons)


async def _cancel(services: HandlerServices, press: ButtonPress, job_id: UUID) -> Notice:
    rest, user_id = services.rest, await get_user_id(services, press)
    with suppress(NotFound):
        if (await rest.get_job(user_id, job_id)).is_active:
            await rest.cancel_job(user_id, job_id, press.idempotency_key)
    effect = await rest.find_effect(user_id, press.id)  # perhaps that of an interrupted attempt
    gone = press.build_context(services).translation.gettext(GONE)
    return press.build_receipt_notice(effect, gone)
