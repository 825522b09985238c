"""Every side effect of the services, by name, and the story that passes it.

Production code knows nothing of this: the names are made where a side effect leaves the process
(killable/*_boundary.py), and a test fails where one is made that is not here, or is here and never
made. Two things happen between two side effects of a process at most: it computes, and it dies. So
each gap between them is `after` one of them, which is what CI tries; `before` it is the same gap as
after the one before, and is tried with the rest.

Left out, because nothing is different afterwards: reads, subscriptions, GET, transactions that only
read. XREADGROUP, XAUTOCLAIM, `promote` and `reconcile` are asked all the time; they are side
effects where something came of them, which only the answer tells: they have no `before`.

Not told by any story, because this suite's sandbox lets everybody in and serves one bot: `SET
tg_bot:*:refused:*`, `DEL bot`, `setWebhook`, `deleteWebhook`; nor Google's calendar.
"""

from dataclasses import dataclass

from tests.chaos.killable.crash_points import Side
from tests.chaos.killable.redis_boundary import JUDGED
from tests.chaos.killable.stories import (
    Story,
    administrators,
    choices,
    failures,
    people,
    records,
    telegram,
)


@dataclass(frozen=True)
class KillPoint:
    """A side effect.

    `first`: who has to die before, so that it comes about. Where each point is tried once: `at` is
    the pass at which one dies there, and one that is `like` another is left to that.
    """

    name: str
    story: Story
    first: str = ""
    at: int = 1
    like: str = ""

    @property
    def service(self) -> str:
        """Whose side effect it is."""
        return self.name.partition(":")[0]

    @property
    def sides(self) -> tuple[Side, ...]:
        """Where one can die there."""
        command = self.name.split()[1]
        return ("after",) if command in JUDGED else ("after", "before")


FIRST_START = "rest_service: commit RestService._keep_snapshots"
"""Only where there is nothing yet: the suite's own first start dies there, on both sides."""

CHANGED = "rest_service: commit PATCH /api/assistants/*"
ADDED = "rest_service: commit POST /api/providers"
REMOVED = "rest_service: commit DELETE /api/providers/*"
RESTORED = "rest_service: commit POST /api/assistants/*/versions/*/restore"
"""Each for all records of the configuration: they are committed and published by the same lines."""

KILL_POINTS: tuple[KillPoint, ...] = (
    KillPoint("tg_bot: claim lease:*", people.chat),
    KillPoint("tg_bot: XGROUP CREATE queue:to_telegram", failures.lost_groups),
    KillPoint("tg_bot: setMyCommands", failures.tg_bot_dies),
    KillPoint("tg_bot: SET bot", failures.lost_identity),
    KillPoint("tg_bot: getUpdates", people.chat),
    KillPoint("tg_bot: DEL tg_bot:*:turned_away:*", people.chat),
    KillPoint("tg_bot: enqueue queue:to_secretary", people.chat),
    KillPoint("tg_bot: enqueue queue:to_telegram", people.invitation),
    KillPoint("tg_bot: XADD queue:to_secretary:dead", administrators.unreadable),
    KillPoint("tg_bot: SET tg_bot:*:group:*", telegram.group),
    KillPoint("tg_bot: SET tg_bot:*:tries:* + INCRBY tg_bot:*:tries:*", people.invitation),
    KillPoint("tg_bot: POST /api/invites/redeem", people.invitation),
    KillPoint("tg_bot: POST /api/users", people.start),
    KillPoint("tg_bot: PATCH /api/users/*", people.rich),
    KillPoint("tg_bot: answerCallbackQuery", telegram.button),
    KillPoint("tg_bot: XREADGROUP queue:to_telegram", people.chat),
    KillPoint(
        "tg_bot: XAUTOCLAIM queue:to_telegram",
        people.chat,
        first="after tg_bot: begin queue:to_telegram",
    ),
    KillPoint("tg_bot: begin queue:to_telegram", people.chat),
    KillPoint("tg_bot: renew queue:to_telegram", telegram.slow_telegram),
    KillPoint("tg_bot: sendChatAction", failures.patience),
    KillPoint("tg_bot: sendMessageDraft", choices.growing_answer),
    KillPoint("tg_bot: sendMessage", people.chat),
    KillPoint("tg_bot: sendRichMessage", people.layout),
    KillPoint("tg_bot: journal queue:to_telegram", people.long_answer),
    KillPoint("tg_bot: finish queue:to_telegram", people.chat),
    KillPoint("tg_bot: delay queue:to_telegram", telegram.flood),
    KillPoint("tg_bot: promote queue:to_telegram", telegram.flood),
    KillPoint("tg_bot: reconcile queue:to_telegram", failures.lost_delay),
    KillPoint("tg_bot: SET tg_bot:*:turned_away:*", telegram.block),
    KillPoint("tg_bot: XGROUP DELCONSUMER queue:to_telegram", administrators.graceful),
    KillPoint("tg_bot: release lease:*", administrators.graceful),
    KillPoint("assistant: XGROUP CREATE queue:to_secretary", failures.lost_groups),
    KillPoint("assistant: XREADGROUP queue:to_secretary", people.chat),
    KillPoint(
        "assistant: XAUTOCLAIM queue:to_secretary",
        people.chat,
        first="after assistant: begin queue:to_secretary",
    ),
    KillPoint("assistant: begin queue:to_secretary", people.chat),
    KillPoint("assistant: renew queue:to_secretary", failures.patience),
    KillPoint("assistant: PUT /api/users/by-telegram-id/*", people.newcomer),
    KillPoint("assistant: PUBLISH live:*", people.chat),
    KillPoint("assistant: refill history:*", people.newcomer),
    KillPoint("assistant: SET history:*:mark", people.fresh_thread),
    KillPoint("assistant: DEL history:*:mark", people.fresh_thread),
    KillPoint("assistant: POST /v1/chat/completions", people.reminder),
    KillPoint("assistant: POST /v1/responses", choices.budget),
    KillPoint("assistant: script budget:*:*", choices.budget, at=3),  # a call is settled
    KillPoint("assistant: POST /bell", choices.doorman),
    KillPoint("assistant: SET cached:*:*:*", choices.doorman),
    KillPoint("assistant: journal queue:to_secretary", people.reminder),
    KillPoint("assistant: POST /api/cron-jobs", people.reminder),
    KillPoint("assistant: POST /api/tasks", people.task),
    KillPoint("assistant: PATCH /api/tasks/*", people.task),
    KillPoint("assistant: PATCH /api/users/*", choices.growing_answer),
    KillPoint("assistant: POST /api/effects/undo", people.undo),
    KillPoint("assistant: POST /api/threads", people.fresh_thread),
    KillPoint("assistant: finish queue:to_secretary", people.reminder),
    KillPoint("assistant: delay queue:to_secretary", failures.rest_dies),
    KillPoint("assistant: promote queue:to_secretary", failures.rest_dies),
    KillPoint("assistant: reconcile queue:to_secretary", failures.lost_wake_up),
    KillPoint("assistant: XGROUP DELCONSUMER queue:to_secretary", administrators.graceful),
    KillPoint("cron_service: POST /api/cron-jobs/claim", people.alarm),
    KillPoint("cron_service: enqueue queue:to_telegram", people.alarm),
    KillPoint("cron_service: enqueue queue:to_secretary", people.scheduled_prompt),
    KillPoint("cron_service: POST /api/cron-jobs/dispatched", people.alarm),
    KillPoint(FIRST_START, people.chat),
    KillPoint("rest_service: commit Tidying.run", failures.rest_dies),
    KillPoint("rest_service: put config:snapshot", administrators.configuration),
    KillPoint("rest_service: put user:*", people.newcomer),
    KillPoint("rest_service: delete_unchanged user:*", failures.stray_user),
    KillPoint("rest_service: commit PUT /api/users/by-telegram-id/*", people.newcomer),
    KillPoint("rest_service: commit POST /api/users", people.start),
    KillPoint("rest_service: commit PATCH /api/users/*", people.rich),
    KillPoint("rest_service: commit DELETE /api/users/*", administrators.deletion),
    KillPoint("rest_service: DEL user:*", administrators.deletion),
    KillPoint("rest_service: commit POST /api/invites/redeem", people.invitation),
    KillPoint("rest_service: commit POST /api/threads", people.fresh_thread),
    KillPoint("rest_service: commit DELETE /api/threads/*", administrators.deletion),
    KillPoint("rest_service: DEL history:*", administrators.deletion),
    KillPoint(CHANGED, administrators.configuration),
    KillPoint(ADDED, records.new_server),
    KillPoint(REMOVED, records.new_server),
    KillPoint("rest_service: commit PATCH /api/providers/*", records.new_server, like=CHANGED),
    KillPoint("rest_service: POST /v1/chat/completions", records.new_server),
    KillPoint("rest_service: commit POST /api/models/import", records.new_server),
    KillPoint("rest_service: commit PATCH /api/models/*", records.new_server, like=CHANGED),
    KillPoint("rest_service: commit DELETE /api/models/*", records.new_server, like=REMOVED),
    KillPoint("rest_service: commit POST /api/secrets", records.new_helper, like=ADDED),
    KillPoint("rest_service: commit PATCH /api/secrets/*", records.new_helper, like=CHANGED),
    KillPoint("rest_service: commit DELETE /api/secrets/*", records.new_helper, like=REMOVED),
    KillPoint("rest_service: commit POST /api/tools", records.new_helper, like=ADDED),
    KillPoint("rest_service: commit PATCH /api/tools/*", records.new_helper, like=CHANGED),
    KillPoint("rest_service: commit DELETE /api/tools/*", records.new_helper, like=REMOVED),
    KillPoint("rest_service: commit POST /api/assistants", records.new_helper, like=ADDED),
    KillPoint("rest_service: commit DELETE /api/assistants/*", records.new_helper, like=REMOVED),
    KillPoint(
        "rest_service: commit POST /api/assistants/*/tools/*", records.new_helper, like=ADDED
    ),
    KillPoint(
        "rest_service: commit DELETE /api/assistants/*/tools/*", records.new_helper, like=REMOVED
    ),
    KillPoint(RESTORED, records.new_helper),
    KillPoint(
        "rest_service: commit POST /api/tools/*/versions/*/restore",
        records.new_helper,
        like=RESTORED,
    ),
    KillPoint("rest_service: commit POST /api/secrets/rotation", records.rotation, at=2),
    KillPoint("rest_service: commit POST /api/cron-jobs", people.reminder),
    KillPoint("rest_service: PUBLISH cron:changed", people.alarm),
    KillPoint("rest_service: commit POST /api/cron-jobs/claim", people.alarm),
    KillPoint("rest_service: commit POST /api/cron-jobs/dispatched", people.alarm),
    KillPoint("rest_service: commit POST /api/tasks", people.task),
    KillPoint("rest_service: commit PATCH /api/tasks/*", people.task),
    KillPoint("rest_service: commit POST /api/effects/undo", people.undo),
    KillPoint(
        "rest_service: commit POST /api/dead-letters/to_telegram:*/replay", administrators.refusal
    ),
    KillPoint("rest_service: replay queue:to_telegram", administrators.refusal),
    KillPoint("rest_service: commit DELETE /api/dead-letters/to_telegram:*", telegram.group),
    KillPoint("rest_service: XDEL queue:to_telegram:dead", telegram.group),
    KillPoint(
        "rest_service: commit DELETE /api/dead-letters/to_secretary:*", administrators.unreadable
    ),
    KillPoint("rest_service: XDEL queue:to_secretary:dead", administrators.unreadable),
    KillPoint("rest_service: XGROUP CREATE turns", failures.lost_groups),
    KillPoint("rest_service: XREADGROUP turns", people.chat),
    KillPoint(
        "rest_service: XAUTOCLAIM turns", people.chat, first="after rest_service: XREADGROUP turns"
    ),
    KillPoint("rest_service: commit ArchiveReader.run", people.chat),
    KillPoint("rest_service: XACK turns + XDEL turns", people.chat),
    KillPoint("rest_service: XADD turns:dead + XACK turns + XDEL turns", failures.bad_record),
)
