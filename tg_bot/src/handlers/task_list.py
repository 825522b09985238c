"""/tasks, and its buttons, which mark a task as done."""

from collections.abc import Sequence
from uuid import UUID

from smart_kit.contracts.queue import Notice

from ..texts.record_lists import render_tasks
from ..texts.translations import N_
from .incoming import ButtonPress, HandlerResult, HandlerServices, IncomingMessage
from .list_buttons import change_listed_record
from .rest_calls import answer_by_rest, get_user_id

GONE = N_("This task is no longer open.")


async def handle_tasks(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    """List the user's open tasks."""
    return await answer_by_rest(incoming, _list_tasks(services, incoming))


async def handle_finish_task(
    services: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult] | None:
    """Mark a task as done, unless it is no longer open."""
    return await change_listed_record(services, press, _finish, GONE)


async def _list_tasks(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    page = await services.rest.list_open_tasks(await get_user_id(services, incoming))
    text, buttons = render_tasks(page, incoming.build_context(services))
    return incoming.build_text_notice(text, buttons=buttons)


async def _finish(
    services: HandlerServices, press: ButtonPress, user_id: UUID, task_id: UUID
) -> None:
    if (await services.rest.get_task(user_id, task_id)).status == "open":
        await services.rest.finish_task(user_id, task_id, press.idempotency_key)
