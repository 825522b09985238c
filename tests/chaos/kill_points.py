"""The list of all side effects of the services, each with a story that causes it.

A kill point is the moment directly before or after a side effect. A story is a scripted
conversation with the bot (killable/stories). Production code knows nothing of kill points: the
names are made in killable/*_boundary.py, where a side effect leaves the process. A test fails when
a side effect occurs that is not listed here, and when a listed one never occurs.

Between two side effects a process only computes, so a kill anywhere in such a gap has the same
result. Each gap lies `after` one side effect; CI kills there. A kill `before` a side effect hits
the gap after the previous one; it is tried only with `CHAOS_KILLS=all`.

Not listed, because they change nothing: reads, subscriptions, GET requests and transactions that
only read. XREADGROUP, XAUTOCLAIM, `promote`, `reconcile` and `take_over` are called all the time.
They count as side effects only if the reply shows that they changed something (`take_over` also
removes consumers without messages, which changes nothing for a message); therefore they have no
`before`. A killed tg_bot counts as stalled and a killed assistant as dead, because both run the
same code (killable/stale_leases.py).

No story causes `SET tg_bot:*:refused:*`, `DEL bot`, `setWebhook` and `deleteWebhook`, because the
sandbox of this suite admits every user and serves one bot; nor the script of the assistant that
marks a day on which scheduled prompts pause. The Google calendar is not covered.
"""

from dataclasses import dataclass

from tests.chaos.killable.crash_points import Side
from tests.chaos.killable.redis_boundary import REPLY_PREDICATES
from tests.chaos.killable.stories import (
    Story,
    administrators,
    buttons,
    failures,
    records,
    selections,
    telegram,
    users,
)


@dataclass(frozen=True)
class KillPoint:
    """A side effect and the story that causes it."""

    name: str
    """`<service>: <effect>`."""
    story: Story
    prior_kill: str = ""
    """The kill that must happen first, because the side effect only occurs after it."""
    pass_number: int = 1
    """The occurrence of the side effect in the story at which the service is killed."""
    same_as: str = ""
    """Another kill point that runs the same lines; this one is tried with `CHAOS_KILLS=all`."""

    @property
    def service(self) -> str:
        return self.name.partition(":")[0]

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides of the side effect on which the service can be killed."""
        command = self.name.split()[1]
        return ("after",) if command in REPLY_PREDICATES else ("after", "before")


FIRST_START = "rest_service: commit RestService._seed_and_reconcile"
"""Happens only in an empty database: conftest.py kills the first start there, on both sides."""

RECORD_CHANGED = "rest_service: commit PATCH /api/assistants/*"
RECORD_ADDED = "rest_service: commit POST /api/providers"
RECORD_REMOVED = "rest_service: commit DELETE /api/providers/*"
RECORD_RESTORED = "rest_service: commit POST /api/assistants/*/versions/*/restore"
TASK_CHANGED = "rest_service: commit PATCH /api/tasks/*"
"""Each represents its action on every record type: all types use the same commit and publishing."""


def _represented_commit(request: str, story: Story, same_as: str) -> KillPoint:
    return KillPoint(f"rest_service: commit {request}", story, same_as=same_as)


KILL_POINTS: tuple[KillPoint, ...] = (
    KillPoint("tg_bot: claim lease:*", users.chat),
    KillPoint("tg_bot: XGROUP CREATE queue:to_telegram", failures.lost_groups),
    KillPoint("tg_bot: setMyCommands", failures.tg_bot_killed),
    KillPoint("tg_bot: SET bot", failures.lost_identity),
    KillPoint("tg_bot: getUpdates", users.chat),
    KillPoint("tg_bot: DEL tg_bot:*:bot_blocked:*", users.chat),
    KillPoint("tg_bot: enqueue queue:to_secretary", users.chat),
    KillPoint("tg_bot: enqueue queue:to_telegram", users.invalid_invite),
    KillPoint("tg_bot: XADD queue:to_secretary:dead", administrators.unreadable_update),
    KillPoint("tg_bot: SET tg_bot:*:group:*", telegram.group_message),
    KillPoint(
        "tg_bot: SET tg_bot:*:invite_attempts:* + INCRBY tg_bot:*:invite_attempts:*",
        users.invalid_invite,
    ),
    KillPoint("tg_bot: POST /api/invites/redeem", users.invalid_invite),
    KillPoint("tg_bot: POST /api/users", users.start_command),
    KillPoint("tg_bot: PATCH /api/users/*", users.rich_text_toggle),
    KillPoint("tg_bot: answerCallbackQuery", telegram.stale_button),
    KillPoint("tg_bot: POST /api/cron-jobs/runs/*/snooze", buttons.answered_reminders),
    KillPoint("tg_bot: POST /api/cron-jobs/runs/*/acknowledge", buttons.answered_reminders),
    KillPoint("tg_bot: editMessageReplyMarkup", buttons.answered_reminders),
    KillPoint("tg_bot: editMessageText", buttons.answered_reminders),
    KillPoint("tg_bot: DELETE /api/cron-jobs/*", buttons.listed_records),
    KillPoint("tg_bot: PATCH /api/tasks/*", buttons.listed_records),
    KillPoint("tg_bot: POST /api/cron-jobs/move", buttons.moved_reminder),
    KillPoint("tg_bot: SET queue:to_telegram:alive:*", users.chat),
    KillPoint("tg_bot: XREADGROUP queue:to_telegram", users.chat),
    KillPoint(
        "tg_bot: XAUTOCLAIM queue:to_telegram",
        users.chat,
        prior_kill="after tg_bot: begin queue:to_telegram",
    ),
    KillPoint("tg_bot: begin queue:to_telegram", users.chat),
    KillPoint("tg_bot: renew queue:to_telegram", telegram.slow_telegram),
    KillPoint("tg_bot: sendChatAction", failures.slow_tool),
    KillPoint("tg_bot: sendMessageDraft", selections.streamed_answer),
    KillPoint("tg_bot: sendMessage", users.chat),
    KillPoint("tg_bot: sendRichMessage", users.formatted_answer),
    KillPoint("tg_bot: journal queue:to_telegram", users.long_answer),
    KillPoint("tg_bot: finish queue:to_telegram", users.chat),
    KillPoint("tg_bot: delay queue:to_telegram", telegram.rate_limited),
    KillPoint("tg_bot: promote queue:to_telegram", telegram.rate_limited),
    KillPoint("tg_bot: reconcile queue:to_telegram", failures.lost_delay),
    KillPoint("tg_bot: SET tg_bot:*:bot_blocked:*", telegram.blocked_by_user),
    KillPoint("tg_bot: DEL queue:to_telegram:alive:*", administrators.graceful_restart),
    KillPoint("tg_bot: XGROUP DELCONSUMER queue:to_telegram", administrators.graceful_restart),
    KillPoint("tg_bot: release lease:*", administrators.graceful_restart),
    KillPoint("assistant: XGROUP CREATE queue:to_secretary", failures.lost_groups),
    KillPoint("assistant: SET queue:to_secretary:alive:*", users.chat),
    KillPoint("assistant: XREADGROUP queue:to_secretary", users.chat),
    KillPoint(
        "assistant: take_over queue:to_secretary",
        users.chat,
        prior_kill="after assistant: begin queue:to_secretary",
    ),
    KillPoint("assistant: begin queue:to_secretary", users.chat),
    KillPoint("assistant: renew queue:to_secretary", failures.slow_tool),
    KillPoint("assistant: PUT /api/users", users.new_user),
    KillPoint("assistant: PUBLISH live:*", users.chat),
    KillPoint("assistant: refill history:*", users.start_command),
    KillPoint("assistant: SET history:*:mark", users.new_thread),
    KillPoint("assistant: DEL history:*:mark", users.new_thread),
    KillPoint("assistant: POST /v1/chat/completions", users.reminder),
    KillPoint("assistant: POST /v1/responses", selections.budgeted_user),
    # the third pass records the real cost of a call
    KillPoint("assistant: script budget:*:*", selections.budgeted_user, pass_number=3),
    KillPoint("assistant: POST /bell", selections.external_tools),
    KillPoint("assistant: SET cached:*:*:*", selections.external_tools),
    KillPoint("assistant: journal queue:to_secretary", users.reminder),
    KillPoint("assistant: POST /api/cron-jobs", users.reminder),
    KillPoint("assistant: POST /api/tasks", users.task),
    KillPoint("assistant: PATCH /api/tasks/*", users.task),
    KillPoint("assistant: PATCH /api/cron-jobs/*", users.changed_reminder),
    KillPoint("assistant: DELETE /api/cron-jobs/*", users.changed_reminder),
    KillPoint("assistant: PATCH /api/users/*", users.asked_time_zone),
    KillPoint("assistant: POST /api/effects/undo", users.undo),
    KillPoint("assistant: POST /api/threads", users.new_thread),
    KillPoint("assistant: finish queue:to_secretary", users.reminder),
    KillPoint("assistant: delay queue:to_secretary", failures.rest_service_killed),
    KillPoint("assistant: promote queue:to_secretary", failures.rest_service_killed),
    KillPoint("assistant: reconcile queue:to_secretary", failures.lost_wakeup),
    KillPoint("assistant: DEL queue:to_secretary:alive:*", administrators.graceful_restart),
    KillPoint("assistant: XGROUP DELCONSUMER queue:to_secretary", administrators.graceful_restart),
    KillPoint("cron_service: POST /api/cron-jobs/claim", users.due_reminder),
    KillPoint("cron_service: enqueue queue:to_telegram", users.due_reminder),
    KillPoint("cron_service: enqueue queue:to_secretary", users.scheduled_prompt),
    KillPoint("cron_service: POST /api/cron-jobs/dispatched", users.due_reminder),
    KillPoint(FIRST_START, users.chat),
    KillPoint("rest_service: commit RetentionJob.run", failures.rest_service_killed),
    KillPoint("rest_service: raise_number clock", failures.rest_service_killed),
    KillPoint("rest_service: put_if_newer config:snapshot", administrators.assistant_change),
    KillPoint("rest_service: put_if_newer user:*", users.new_user),
    KillPoint("rest_service: delete_if_unchanged user:*", failures.orphaned_user_key),
    KillPoint("rest_service: commit PUT /api/users", users.new_user),
    KillPoint("rest_service: commit POST /api/users", users.start_command),
    KillPoint("rest_service: commit PATCH /api/users/*", users.rich_text_toggle),
    KillPoint("rest_service: commit DELETE /api/users/*", administrators.deletion),
    KillPoint("rest_service: DEL user:*", administrators.deletion),
    KillPoint("rest_service: commit POST /api/invites/redeem", users.invalid_invite),
    KillPoint("rest_service: commit POST /api/threads", users.new_thread),
    KillPoint("rest_service: commit DELETE /api/threads/*", administrators.deletion),
    KillPoint("rest_service: DEL history:*", administrators.deletion),
    KillPoint(RECORD_CHANGED, administrators.assistant_change),
    KillPoint(RECORD_ADDED, records.provider_lifecycle),
    KillPoint(RECORD_REMOVED, records.provider_lifecycle),
    _represented_commit("PATCH /api/providers/*", records.provider_lifecycle, RECORD_CHANGED),
    KillPoint("rest_service: POST /v1/chat/completions", records.provider_lifecycle),
    KillPoint("rest_service: commit POST /api/models/import", records.provider_lifecycle),
    _represented_commit("PATCH /api/models/*", records.provider_lifecycle, RECORD_CHANGED),
    _represented_commit("DELETE /api/models/*", records.provider_lifecycle, RECORD_REMOVED),
    _represented_commit("POST /api/secrets", records.assistant_lifecycle, RECORD_ADDED),
    _represented_commit("PATCH /api/secrets/*", records.assistant_lifecycle, RECORD_CHANGED),
    _represented_commit("DELETE /api/secrets/*", records.assistant_lifecycle, RECORD_REMOVED),
    _represented_commit("POST /api/tools", records.assistant_lifecycle, RECORD_ADDED),
    _represented_commit("PATCH /api/tools/*", records.assistant_lifecycle, RECORD_CHANGED),
    _represented_commit("DELETE /api/tools/*", records.assistant_lifecycle, RECORD_REMOVED),
    _represented_commit("POST /api/assistants", records.assistant_lifecycle, RECORD_ADDED),
    _represented_commit("DELETE /api/assistants/*", records.assistant_lifecycle, RECORD_REMOVED),
    _represented_commit(
        "POST /api/assistants/*/tools/*", records.assistant_lifecycle, RECORD_ADDED
    ),
    _represented_commit(
        "DELETE /api/assistants/*/tools/*", records.assistant_lifecycle, RECORD_REMOVED
    ),
    KillPoint(RECORD_RESTORED, records.assistant_lifecycle),
    _represented_commit(
        "POST /api/tools/*/versions/*/restore", records.assistant_lifecycle, RECORD_RESTORED
    ),
    KillPoint(
        "rest_service: commit POST /api/secrets/rotation", records.key_rotation, pass_number=2
    ),
    KillPoint("rest_service: commit POST /api/cron-jobs", users.reminder),
    _represented_commit("PATCH /api/cron-jobs/*", users.changed_reminder, TASK_CHANGED),
    _represented_commit("DELETE /api/cron-jobs/*", users.changed_reminder, TASK_CHANGED),
    _represented_commit("POST /api/cron-jobs/move", buttons.moved_reminder, TASK_CHANGED),
    KillPoint("rest_service: commit POST /api/cron-jobs/runs/*/snooze", buttons.answered_reminders),
    _represented_commit(
        "POST /api/cron-jobs/runs/*/acknowledge", buttons.answered_reminders, TASK_CHANGED
    ),
    KillPoint("rest_service: PUBLISH cron:changed", users.due_reminder),
    KillPoint("rest_service: commit POST /api/cron-jobs/claim", users.due_reminder),
    KillPoint("rest_service: commit POST /api/cron-jobs/dispatched", users.due_reminder),
    KillPoint("rest_service: commit POST /api/tasks", users.task),
    KillPoint(TASK_CHANGED, users.task),
    KillPoint("rest_service: commit POST /api/effects/undo", users.undo),
    KillPoint(
        "rest_service: commit POST /api/dead-letters/to_telegram:*/replay",
        administrators.rejected_reply,
    ),
    KillPoint("rest_service: replay queue:to_telegram", administrators.rejected_reply),
    KillPoint(
        "rest_service: commit DELETE /api/dead-letters/to_telegram:*", telegram.group_message
    ),
    KillPoint("rest_service: XDEL queue:to_telegram:dead", telegram.group_message),
    KillPoint(
        "rest_service: commit DELETE /api/dead-letters/to_secretary:*",
        administrators.unreadable_update,
    ),
    KillPoint("rest_service: XDEL queue:to_secretary:dead", administrators.unreadable_update),
    KillPoint("rest_service: XGROUP CREATE turns", failures.lost_groups),
    KillPoint("rest_service: XREADGROUP turns", users.chat),
    KillPoint(
        "rest_service: XAUTOCLAIM turns",
        users.chat,
        prior_kill="after rest_service: XREADGROUP turns",
    ),
    KillPoint("rest_service: commit ArchiveConsumer.run", users.chat),
    KillPoint("rest_service: XACK turns + XDEL turns", users.chat),
    KillPoint(
        "rest_service: XADD turns:dead + XACK turns + XDEL turns", failures.unreadable_turn_record
    ),
)
