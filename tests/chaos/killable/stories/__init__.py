"""Every story, to be told one after the other."""

from collections.abc import Callable

from tests.chaos.killable.stories import (
    administrators,
    choices,
    failures,
    people,
    records,
    telegram,
)
from tests.chaos.killable.user_session import UserSession

Story = Callable[[UserSession], None]

STORIES: tuple[Story, ...] = (
    people.chat,
    people.new_user,
    people.start_command,
    people.invalid_invite,
    people.rich_text_toggle,
    people.reminder,
    people.due_reminder,
    people.task,
    people.undo,
    people.new_thread,
    people.formatted_answer,
    people.long_answer,
    people.scheduled_prompt,
    choices.streamed_answer,
    choices.external_tools,
    choices.budgeted_user,
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
