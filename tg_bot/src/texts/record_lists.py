"""The numbered lists of /reminders and /tasks, with a button for each item."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from smart_kit.contracts.base import Page
from smart_kit.contracts.cron_jobs import CronJobRead
from smart_kit.contracts.queue import InlineButton
from smart_kit.contracts.tasks import TaskRead

from ..rendering.rendered_message import MAX_BUTTONS, truncate_label
from .datetimes import format_due
from .receipts import PRIORITY_LABELS
from .reminder_texts import ReminderFacts, describe_times, shorten
from .text_context import TextContext
from .translations import N_

CANCEL_JOB, FINISH_TASK = "cancel_job", "finish_task"
"""The first part of the callback data; the rest is the id of the record."""

NO_REMINDERS = N_("You have no reminders. Write, for example: remind me tomorrow at 9 to call Anna")
NO_TASKS = N_("You have no open tasks. Write, for example: add a task to buy milk by Friday")

_NEVER = datetime.max.replace(tzinfo=UTC)


class RecordList(NamedTuple):
    """The text of a list and its buttons."""

    text: str
    buttons: tuple[InlineButton, ...] = ()


def render_reminders(page: Page[CronJobRead], context: TextContext) -> RecordList:
    """Return the list of active jobs, the next first. The user's time zone is named once."""
    gettext = context.translation.gettext
    if not page.items:
        return RecordList(gettext(NO_REMINDERS))
    jobs = sorted(page.items, key=lambda job: job.next_fire_at or _NEVER)
    lines = [_describe_job(job, context) for job in jobs]
    buttons = [
        _build_button(f"✕ {number} {job.text}", f"{CANCEL_JOB}:{job.id}")
        for number, job in enumerate(jobs, 1)
    ]
    is_zone_hidden = any(job.next_fire_at and job.timezone == context.timezone for job in jobs)
    zone = gettext("Time zone: {timezone}").format(timezone=context.timezone)
    notes = [zone] if is_zone_hidden else []
    return _build_list(gettext("Your reminders:"), lines, buttons, page.total, context, notes)


def render_tasks(page: Page[TaskRead], context: TextContext) -> RecordList:
    """Return the list of open tasks in their order."""
    gettext = context.translation.gettext
    if not page.items:
        return RecordList(gettext(NO_TASKS))
    lines = [_describe_task(task, context) for task in page.items]
    buttons = [
        _build_button(f"✓ {number} {task.title}", f"{FINISH_TASK}:{task.id}")
        for number, task in enumerate(page.items, 1)
    ]
    return _build_list(gettext("Your open tasks:"), lines, buttons, page.total, context)


def _describe_job(job: CronJobRead, context: TextContext) -> str:
    reminder = ReminderFacts.model_validate(job.model_dump())
    text = shorten(job.text)
    if job.type == "prompt":
        text = context.translation.gettext("scheduled request: {text}").format(text=text)
    times = describe_times(reminder, context, hidden_zone=context.timezone)
    return " — ".join(filter(None, (times, text)))


def _describe_task(task: TaskRead, context: TextContext) -> str:
    gettext, details = context.translation.gettext, [shorten(task.title)]
    if task.due_at is not None:
        details.append(gettext("due {time}").format(time=format_due(task.due_at, context)))
    if task.priority != "normal":
        details.append(gettext(PRIORITY_LABELS[task.priority]))
    return ", ".join(details)


def _build_button(label: str, data: str) -> InlineButton:
    return InlineButton(label=truncate_label(label), data=data)


def _build_list(
    title: str,
    lines: Sequence[str],
    buttons: Sequence[InlineButton],
    total: int,
    context: TextContext,
    notes: Sequence[str] = (),
) -> RecordList:
    """Number as many lines as there can be buttons, and say how many more there are. The notes
    follow, each in a paragraph."""
    shown = [f"{number}. {line}" for number, line in enumerate(lines[:MAX_BUTTONS], 1)]
    paragraphs = [f"{title}\n" + "\n".join(shown)]
    if hidden := total - len(shown):
        text = context.translation.ngettext(
            "{count} more is not shown.", "{count} more are not shown.", hidden
        )
        paragraphs.append(text.format(count=hidden))
    return RecordList("\n\n".join((*paragraphs, *notes)), tuple(buttons[:MAX_BUTTONS]))
