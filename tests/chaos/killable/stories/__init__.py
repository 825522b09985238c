"""Every story, to be told one after the other."""

from collections.abc import Callable

from tests.chaos.killable.stories import (
    administrators,
    choices,
    mishaps,
    people,
    records,
    telegram,
)
from tests.chaos.killable.talk import Talk

Story = Callable[[Talk], None]

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
    mishaps.patience,
    telegram.slow_telegram,
    mishaps.rest_dies,
    administrators.refusal,
    administrators.unreadable,
    telegram.group,
    telegram.button,
    mishaps.lost_identity,
    administrators.configuration,
    administrators.deletion,
    records.new_server,
    records.new_helper,
    records.rotation,
    mishaps.stray_user,
    mishaps.bad_record,
    mishaps.lost_delay,
    mishaps.lost_wake_up,
    mishaps.lost_groups,
    administrators.graceful,
    mishaps.assistant_dies,
    mishaps.tg_bot_dies,
)
