"""All stories: scripted conversations that together cause every side effect of the services."""

from collections.abc import Callable

from tests.chaos.killable.stories import (
    administrators,
    buttons,
    failures,
    records,
    selections,
    telegram,
    users,
)
from tests.chaos.killable.user_session import UserSession

Story = Callable[[UserSession], None]
"""Sends messages, waits for the answers, and adds what it expects to the session."""

STORIES: tuple[Story, ...] = (
    users.chat,
    users.new_user,
    users.start_command,
    users.invalid_invite,
    users.rich_text_toggle,
    users.reminder,
    users.due_reminder,
    users.changed_reminder,
    users.asked_time_zone,
    users.task,
    users.undo,
    users.new_thread,
    users.formatted_answer,
    users.long_answer,
    users.scheduled_prompt,
    selections.streamed_answer,
    selections.external_tools,
    selections.budgeted_user,
    buttons.answered_reminders,
    buttons.listed_records,
    buttons.moved_reminder,
    telegram.rate_limited,
    telegram.blocked_by_user,
    failures.slow_tool,
    telegram.slow_telegram,
    failures.rest_service_killed,
    administrators.rejected_reply,
    administrators.unreadable_update,
    telegram.group_message,
    telegram.stale_button,
    failures.lost_identity,
    administrators.assistant_change,
    administrators.deletion,
    records.provider_lifecycle,
    records.assistant_lifecycle,
    records.key_rotation,
    failures.orphaned_user_key,
    failures.unreadable_turn_record,
    failures.lost_delay,
    failures.lost_wakeup,
    failures.lost_groups,
    administrators.graceful_restart,
    failures.assistant_killed,
    failures.tg_bot_killed,
)
