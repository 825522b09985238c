"""The buttons under a delivered reminder: Done, and later."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from smart_kit.contracts.cron_jobs import RunSnooze
from smart_kit.errors import Conflict, NotFound

from ..texts.notifications import DONE_MARK, DUE_MARK
from ..texts.translations import N_
from .button_values import parse_row_id
from .incoming import ButtonPress, HandlerResult, HandlerServices
from .rest_calls import call_rest, get_user_id

SNOOZES: dict[str, RunSnooze] = {
    "snooze_10m": RunSnooze(minutes=10),
    "snooze_1h": RunSnooze(minutes=60),
    "snooze_1d": RunSnooze(tomorrow=True),
}
"""By the kind of button."""

DONE = N_("Done.")
GONE = N_("This reminder no longer exists.")
ANSWERED = N_("You have already answered this reminder. Nothing has changed.")

_Change = Callable[[HandlerServices, ButtonPress, UUID, UUID], Awaitable[Sequence[HandlerResult]]]
"""Takes the ids of the user and of the run."""


async def handle_done(
    services: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult] | None:
    """Mark the reminder as done, and show that in its message."""
    return await _change_run(services, press, _acknowledge)


async def handle_snooze(
    services: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult] | None:
    """Remind again later, and confirm it by the receipt of the new reminder."""
    return await _change_run(services, press, _snooze)


async def _change_run(
    services: HandlerServices, press: ButtonPress, change: _Change
) -> Sequence[HandlerResult] | None:
    run_id = parse_row_id(press.value)
    if run_id is None:
        return None
    results = await call_rest(_change_or_explain(services, press, run_id, change))
    return results or (press.build_notice("try_again_later"),)


async def _change_or_explain(
    services: HandlerServices, press: ButtonPress, run_id: UUID, change: _Change
) -> Sequence[HandlerResult]:
    user_id = await get_user_id(services, press)
    try:
        return await change(services, press, user_id, run_id)
    except NotFound:
        explanation = GONE
    except Conflict:
        explanation = ANSWERED
    text = press.build_context(services).translation.gettext(explanation)
    return (press.build_text_notice(text), *press.build_edits())


async def _acknowledge(
    services: HandlerServices, press: ButtonPress, user_id: UUID, run_id: UUID
) -> Sequence[HandlerResult]:
    await services.rest.acknowledge_run(user_id, run_id, press.idempotency_key)
    if press.text.startswith(DUE_MARK) and press.message_id is not None:
        return press.build_edits(DONE_MARK + press.text.removeprefix(DUE_MARK))
    text = press.build_context(services).translation.gettext(DONE)
    return (press.build_text_notice(text), *press.build_edits())


async def _snooze(
    services: HandlerServices, press: ButtonPress, user_id: UUID, run_id: UUID
) -> Sequence[HandlerResult]:
    snooze, key = SNOOZES[press.kind], press.idempotency_key
    job = await services.rest.snooze_run(user_id, run_id, snooze, key)
    text = press.build_context(services).translation.gettext(DONE)
    return (press.build_receipt_notice(job.effect, text), *press.build_edits())
