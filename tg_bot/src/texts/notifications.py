"""The messages of reminders at their time, and the reports of requests that came too late."""

from zoneinfo import ZoneInfo

from smart_kit.contracts.keys import message_id_for_run
from smart_kit.contracts.queue import InlineButton, Notification, compute_lateness

from ..rendering.formatted_text import FormattedText
from ..rendering.rendered_message import RenderedMessage
from .datetimes import format_time
from .text_context import TextContext
from .translations import N_

LATE_AFTER_SECONDS = 60.0
"""A reminder that is later than this says when it was due."""

DUE_MARK, DONE_MARK = "⏰", "✅"
"""How a reminder begins, before and after the user has pressed Done."""

BUTTON_ROWS: tuple[dict[str, str], ...] = (
    {"done": N_("Done")},
    {"snooze_10m": N_("+10 min"), "snooze_1h": N_("+1 h"), "snooze_1d": N_("Tomorrow")},
)
"""The labels of the buttons by the first part of their callback data; the rest is the run's id."""


def render_notification(message: Notification, context: TextContext) -> RenderedMessage:
    """Return the text, with buttons if users can press them: the bot ignores presses in groups."""
    # beside the report of earlier times, the request itself is executed
    is_executed = message.is_report and message.id != message_id_for_run(message.run_id)
    occasion = _describe_occasion(message, context, is_executed=is_executed)
    notes = (
        "" if is_executed else _describe_lateness(message, context),
        _describe_missed(message, context),
    )
    paragraphs = (occasion.format(text=message.text), "\n".join(filter(None, notes)))
    text = FormattedText("\n\n".join(filter(None, paragraphs)))
    has_buttons = not message.is_report and message.chat_id > 0
    return RenderedMessage(text, button_rows=_build_rows(message, context) if has_buttons else ())


def _describe_occasion(message: Notification, context: TextContext, *, is_executed: bool) -> str:
    """Return why the message comes; it contains {text}."""
    if not message.is_report:
        return DUE_MARK + " {text}"
    if is_executed:
        return context.translation.gettext(
            "Earlier times of your scheduled request were missed. I am executing it now:\n{text}"
        )
    return context.translation.gettext(
        "I did not execute your scheduled request, because it was too late:\n{text}"
    )


def _describe_lateness(message: Notification, context: TextContext) -> str:
    if compute_lateness(message.scheduled_for, context.now) <= LATE_AFTER_SECONDS:
        return ""
    local = message.scheduled_for.astimezone(ZoneInfo(message.timezone))
    due = format_time(local, context.translation.language, context.now)
    return context.translation.gettext("(was due {time})").format(time=due)


def _describe_missed(message: Notification, context: TextContext) -> str:
    if message.first_missed_at is None:
        return ""
    translation, count = context.translation, message.missed_count
    since = message.first_missed_at.astimezone(ZoneInfo(message.timezone))
    text = translation.ngettext(
        "({count} earlier time was missed: {time})",
        "({count} earlier times since {time} were missed)",
        count,
    )
    time = format_time(since, translation.language, context.now)
    return text.format(count=count, time=time)


def _build_rows(
    message: Notification, context: TextContext
) -> tuple[tuple[InlineButton, ...], ...]:
    return tuple(
        tuple(
            InlineButton(label=context.translation.gettext(label), data=f"{kind}:{message.run_id}")
            for kind, label in row.items()
        )
        for row in BUTTON_ROWS
    )
