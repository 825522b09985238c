"""/reminders, and its buttons, which cancel a reminder."""

from collections.abc import Sequence
from uuid import UUID

from smart_kit.contracts.queue import Notice

from ..texts.record_lists import render_reminders
from ..texts.translations import N_
from .incoming import ButtonPress, HandlerResult, HandlerServices, IncomingMessage
from .list_buttons import change_listed_record
from .rest_calls import answer_by_rest, get_user_id

GONE = N_("This reminder has already come or been cancelled.")


async def handle_reminders(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    """List the user's active reminders and scheduled requests."""
    return await answer_by_rest(incoming, _list_reminders(services, incoming))


async def handle_cancel_job(
    services: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult] | None:
    """Cancel a reminder, unless it is no longer active."""
    return await change_listed_record(services, press, _cancel, GONE)


async def _list_reminders(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    page = await services.rest.list_active_jobs(await get_user_id(services, incoming))
    text, buttons = render_reminders(page, incoming.build_context(services))
    return incoming.build_text_notice(text, buttons=buttons)


async def _cancel(
    services: HandlerServices, press: ButtonPress, user_id: UUID, job_id: UUID
) -> None:
    if (await services.rest.get_job(user_id, job_id)).is_active:
        await services.rest.cancel_job(user_id, job_id, press.idempotency_key)
