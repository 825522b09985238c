"""/tasks, and its buttons, which mark a task as done."""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from smart_kit.contracts.queue import Notice
from smart_kit.errors import NotFound

from ..texts.record_lists import render_tasks
from ..texts.translations import N_
from .button_values import parse_row_id
from .incoming import ButtonPress, HandlerResult, HandlerServices, IncomingMessage
from .rest_calls import answer_by_rest, get_user_id

GONE = N_("This task is no longer open.")


async def handle_tasks(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    """List the user's open tasks."""
    return await answer_by_rest(incoming, _list_tasks(services, incoming))


async def handle_finish_task(
    services: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult] | None:
    """Mark a task as done, unless it is no longer open."""
    task_id = parse_row_id(press.value)
    if task_id is None:
        return None
    return (await answer_by_rest(press, _finish(services, press, task_id)),)


async def _list_tasks(services: HandlerServices, incoming: IncomingMessage) -> Notice:
    page = await services.rest.list_open_tasks(await get_user_id(services, incoming))
    text, buttons = render_tasks(page, incoming.build_context(services))
    return incoming.build_text_notice(text, buttons=buttons)


async def _finish(services: HandlerServices, press: ButtonPress, task_id: UUID) -> Notice:
    rest, user_id = services.rest, await get_user_id(services, press)
    with suppress(NotFound):
        if (await rest.get_task(user_id, task_id)).status == "open":
            await rest.finish_task(user_id, task_id, press.idempotency_key)
    effect = await rest.find_effect(user_id, press.id)  # perhaps that of an interrupted attempt
    gone = press.build_context(services).translation.gettext(GONE)
    return press.build_receipt_notice(effect, gone)
