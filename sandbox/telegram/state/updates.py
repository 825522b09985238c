"""Updates that wait for the bot, and the one long poll that may wait for them."""

import asyncio
import json
import sqlite3
import time
from typing import Any

from sandbox.telegram.errors import BotApiError, conflict
from sandbox.telegram.state.settings import Settings

NOT_BY_DEFAULT = ("chat_member", "message_reaction", "message_reaction_count")
_KINDS = (
    "message edited_message channel_post edited_channel_post business_connection business_message "
    "edited_business_message deleted_business_messages guest_message inline_query "
    "chosen_inline_result callback_query shipping_query pre_checkout_query purchased_paid_media "
    "poll poll_answer my_chat_member chat_join_request chat_boost removed_chat_boost managed_bot "
    "subscription stopped_message_generation"
)
KINDS = (*_KINDS.split(), *NOT_BY_DEFAULT)
"""Those of Bot API 10.3; others in `allowed_updates` are ignored."""
RAW = ""
"""The kind of an update that a test has put in as it is."""
LIFETIME = {"callback_query": 150, "shipping_query": 150, "pre_checkout_query": 150}
DAY = 24 * 3600
MAX_POLL_SECONDS = 50
OTHER_POLL = (
    "terminated by other getUpdates request; make sure that only one bot instance is running"
)

_ALLOWED = "allowed_updates"


class Updates:
    """The bot's queue: an update is confirmed only by a later call with a greater offset."""

    def __init__(self, database: sqlite3.Connection, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._poll: asyncio.Future[BotApiError | None] | None = None
        self._arrived = asyncio.Event()

    def allow(self, kinds: list[str]) -> None:
        """From now on create only these; none known: Telegram's default."""
        self._settings[_ALLOWED] = json.dumps([kind for kind in KINDS if kind in kinds])

    @property
    def allowed(self) -> list[str]:
        """What the bot chose, empty where the default applies."""
        kinds: list[str] = json.loads(self._settings.get(_ALLOWED, "[]"))
        return kinds

    def push(self, kind: str, body: dict[str, Any]) -> int | None:
        """Queue an update; None where the bot does not want this kind."""
        wanted = self.allowed
        if kind not in wanted if wanted else kind in NOT_BY_DEFAULT:
            return None
        return self._queue(kind, body, LIFETIME.get(kind, DAY))

    def push_raw(self, update: Any) -> int:
        """Queue anything at all. An object gets an `update_id` unless it brings one of its own."""
        return self._queue(RAW, update, DAY)

    def _queue(self, kind: str, body: Any, seconds: int) -> int:
        now = int(time.time())
        self._database.execute("DELETE FROM waiting_update WHERE expires_at <= ?", (now,))
        cursor = self._database.execute(
            "INSERT INTO waiting_update (kind, body, expires_at) VALUES (?, ?, ?)",
            (kind, json.dumps(body, ensure_ascii=False), now + seconds),
        )
        self._arrived.set()
        self._finish_poll(None)
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def confirm(self, offset: int) -> int:
        """Forget what is below; negative: keep the last so many. Returns the first id kept."""
        if offset < 0:
            row = self._database.execute(
                "SELECT update_id FROM waiting_update ORDER BY update_id DESC LIMIT 1 OFFSET ?",
                (-offset - 1,),
            ).fetchone()
            offset = row["update_id"] if row else 0
        self._database.execute("DELETE FROM waiting_update WHERE update_id < ?", (offset,))
        return offset

    def next_id(self) -> int:
        """An id above everything that waits."""
        row = self._database.execute("SELECT max(update_id) FROM waiting_update").fetchone()
        return (row[0] or 0) + 1

    def waiting(self, limit: int = 100) -> list[Any]:
        """The oldest updates as the Bot API writes them."""
        return [update for _, update in self.numbered(limit)]

    def numbered(self, limit: int = 100) -> list[tuple[int, Any]]:
        """The oldest updates, each with the id that confirms it."""
        rows = self._database.execute(
            "SELECT * FROM waiting_update WHERE expires_at > ? ORDER BY update_id LIMIT ?",
            (int(time.time()), limit),
        )
        return [(row["update_id"], _update(row)) for row in rows]

    def count(self) -> int:
        """How many wait."""
        row = self._database.execute(
            "SELECT count(*) FROM waiting_update WHERE expires_at > ?", (int(time.time()),)
        ).fetchone()
        return int(row[0])

    async def wait(self, seconds: float) -> None:
        """Until something arrives or time is up. Raises the BotApiError 409 that ended it."""
        self._poll = mine = asyncio.get_running_loop().create_future()
        try:
            ended_by = await asyncio.wait_for(mine, seconds)
        except TimeoutError:
            return
        finally:
            if self._poll is mine:
                self._poll = None
        if ended_by is not None:
            raise ended_by

    async def arrival(self, seconds: float) -> None:
        """Until something is pushed, for so many seconds at most."""
        self._arrived.clear()
        try:
            await asyncio.wait_for(self._arrived.wait(), seconds)
        except TimeoutError:
            return

    def end_poll(self, reason: str) -> None:
        """A newer poll or a webhook begins: the poll that waits loses."""
        self._finish_poll(conflict(reason))

    def close(self) -> None:
        """The server stops: the poll that waits gets its empty answer now."""
        self._finish_poll(None)

    def _finish_poll(self, ended_by: BotApiError | None) -> None:
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(ended_by)


def _update(row: sqlite3.Row) -> Any:
    body = json.loads(row["body"])
    if row["kind"] != RAW:
        return {"update_id": row["update_id"], row["kind"]: body}
    return {"update_id": row["update_id"], **body} if isinstance(body, dict) else body
