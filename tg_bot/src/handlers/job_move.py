"""The question whether reminders for local times of another zone move along with the user."""

from collections.abc import Sequence

from smart_kit.contracts.cron_jobs import CronJobRead
from smart_kit.contracts.queue import InlineButton, Notice
from smart_kit.contracts.users import UserRead

from ..texts.reminder_texts import ReminderFacts, describe_reminder
from ..texts.text_context import TextContext
from ..texts.translations import N_
from .incoming import ButtonPress, HandlerResult, HandlerServices
from .rest_calls import call_rest, get_user_id

MOVE, KEEP = N_("Yes, at the same local times"), N_("No, leave them as they are")
ONE_REMINDER = N_(
    "You have a reminder at a local time of {zones}: {example}\n\n"
    "Should it come at the same local time in {timezone}?"
)
KEPT = N_("All right, they stay as they are.")
OUTDATED = N_("You have changed your time zone since then. Nothing has changed.")
NOTHING_TO_MOVE = N_("There are no such reminders any more.")


def describe_moved(jobs: Sequence[CronJobRead], user: UserRead, context: TextContext) -> str:
    """Say which recurring jobs follow the user, as rest_service has made them; may be empty."""
    count = sum(_is_recurring(job) and job.timezone == user.timezone for job in jobs)
    if not count:
        return ""
    text = context.translation.ngettext(
        "{count} recurring reminder keeps its local time, now in {timezone}.",
        "{count} recurring reminders keep their local times, now in {timezone}.",
        count,
    )
    return text.format(count=count, timezone=user.timezone)


def ask_to_move(
    jobs: Sequence[CronJobRead], user: UserRead, context: TextContext
) -> tuple[str, tuple[InlineButton, ...]]:
    """Return the question and its buttons; both empty if there is nothing to ask."""
    staying = [
        job
        for job in jobs
        if job.local_at is not None and not _is_recurring(job) and job.timezone != user.timezone
    ]
    if not staying:
        return "", ()
    gettext, count = context.translation.gettext, len(staying)
    if count == 1:
        text = gettext(ONE_REMINDER)
    else:
        text = context.translation.ngettext(
            "You have {count} reminder at local times of {zones}, for example: {example}\n\n"
            "Should it come at the same local time in {timezone}?",
            "You have {count} reminders at local times of {zones}, for example: {example}\n\n"
            "Should they come at the same local times in {timezone}?",
            count,
        )
    text = text.format(
        count=count,
        zones=", ".join(sorted({job.timezone for job in staying})),
        example=describe_reminder(ReminderFacts.model_validate(staying[0].model_dump()), context),
        timezone=user.timezone,
    )
    return text, (
        InlineButton(label=gettext(MOVE), data=f"move_jobs:{user.timezone}"),
        InlineButton(label=gettext(KEEP), data=f"keep_jobs:{user.timezone}"),
    )


async def handle_move_jobs(
    services: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult]:
    """Move the reminders of the sender, if they still live in the zone of the button."""
    if press.user is None or press.value != press.user.timezone:
        text = press.build_context(services).translation.gettext(OUTDATED)
        return (press.build_text_notice(text), *press.build_edits())
    jobs = await call_rest(_move(services, press))
    if jobs is None:
        return (press.build_notice("try_again_later"),)
    return (_build_answer(services, press, jobs), *press.build_edits())


async def handle_keep_jobs(
    services: HandlerServices, press: ButtonPress
) -> Sequence[HandlerResult]:
    """Confirm that nothing changes."""
    text = press.build_context(services).translation.gettext(KEPT)
    return (press.build_text_notice(text), *press.build_edits())


async def _move(services: HandlerServices, press: ButtonPress) -> list[CronJobRead]:
    user_id = await get_user_id(services, press)
    return await services.rest.move_jobs(user_id, press.idempotency_key)


def _build_answer(
    services: HandlerServices, press: ButtonPress, jobs: Sequence[CronJobRead]
) -> Notice:
    receipts = tuple(job.effect for job in jobs if job.effect is not None)
    nothing = press.build_context(services).translation.gettext(NOTHING_TO_MOVE)
    return press.build_text_notice("" if receipts else nothing, receipts=receipts)


def _is_recurring(job: CronJobRead) -> bool:
    return job.cron_expression is not None or job.rrule is not None
