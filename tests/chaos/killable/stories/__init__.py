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
    people.newcomer,
    people.start,
    people.invitation,
    people.rich,
    people.reminder,
    people.alarm,
    people.task,
    people.undo,
    people.fresh_thread,
    people.layout,
    people.long_answer,
    people.scheduled_prompt,
    choices.growing_answer,
    choices.doorman,
    choices.budget,
    telegram.flood,
    telegram.block,
    failures.patience,
    telegram.slow_telegram,
    failures.rest_dies,
    administrators.refusal,
    administrators.unreadable,
    telegram.group,
    telegram.button,
    failures.lost_identity,
    administrators.configuration,
    administrators.deletion,
    records.new_server,
    records.new_helper,
    records.rotation,
    failures.stray_user,
    failures.bad_record,
    failures.lost_delay,
    failures.lost_wake_up,
    failures.lost_groups,
    administrators.graceful,
    failures.assistant_dies,
    failures.tg_bot_dies,
)
