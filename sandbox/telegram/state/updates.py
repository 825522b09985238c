"""Pending updates of the bot, and the one long poll that may wait for them."""

import asyncio
import contextlib
import json
import sqlite3
import time
from typing import Any

from sandbox.telegram.errors import BotApiError, conflict
from sandbox.telegram.state.database import SettingStore

OPT_IN_KINDS = ("chat_member", "message_reaction", "message_reaction_count")
_DEFAULT_KINDS = (
    "message edited_message channel_post edited_channel_post business_connection business_message "
    "edited_business_message deleted_business_messages guest_message inline_query "
    "chosen_inline_result callback_query shipping_query pre_checkout_query purchased_paid_media "
    "poll poll_answer my_chat_member chat_join_request chat_boost removed_chat_boost managed_bot "
    "subscription stopped_message_generation"
)
UPDATE_KINDS = (*_DEFAULT_KINDS.split(), *OPT_IN_KINDS)
"""All kinds of Bot API 10.3; others in `allowed_updates` are ignored."""
RAW_KIND = ""
"""The kind of updates that a test queued as raw JSON."""
LIFETIME_SECONDS = {"callback_query": 150, "shipping_query": 150, "pre_checkout_query": 150}
DEFAULT_LIFETIME_SECONDS = 24 * 3600
MAX_POLL_SECONDS = 50
OTHER_POLL_REASON = (
    "terminated by other getUpdates request; make sure that only one bot instance is running"
)


class UpdateQueue:
    """The bot's queue; an update stays until a later call has a greater offset."""

    def __init__(self, database: sqlite3.Connection, settings: SettingStore) -> None:
        self._database = database
        self._settings = settings
        self._pending_poll: asyncio.Future[BotApiError | None] | None = None
        self._arrived = asyncio.Event()

    def set_allowed_kinds(self, kinds: list[str]) -> None:
        """Queue only these kinds from now on; without a known one, Telegram's default kinds."""
        known = json.dumps([kind for kind in UPDATE_KINDS if kind in kinds])
        self._settings.set("allowed_updates", known)

    @property
    def allowed_kinds(self) -> list[str]:
        """The kinds that the bot chose; empty for the default."""
        kinds: list[str] = json.loads(self._settings.get("allowed_updates", "[]"))
        return kinds

    def push(self, kind: str, body: dict[str, Any]) -> int | None:
        """Queue an update and return its id; None if the bot does not allow this kind."""
        wanted = self.allowed_kinds
        if kind not in wanted if wanted else kind in OPT_IN_KINDS:
            return None
        return self._insert(kind, body, LIFETIME_SECONDS.get(kind, DEFAULT_LIFETIME_SECONDS))

    def push_raw(self, update: Any) -> int:
        """Queue any JSON value and return its id; objects without an `update_id` get this one."""
        return self._insert(RAW_KIND, update, DEFAULT_LIFETIME_SECONDS)

    def _insert(self, kind: str, body: Any, seconds: int) -> int:
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
        """Delete updates below the offset; -n keeps the last n. Return the first id that stays."""
        if offset < 0:
            row = self._database.execute(
                "SELECT update_id FROM waiting_update ORDER BY update_id DESC LIMIT 1 OFFSET ?",
                (-offset - 1,),
            ).fetchone()
            offset = row["update_id"] if row else 0
        self._database.execute("DELETE FROM waiting_update WHERE update_id < ?", (offset,))
        return offset

    def get_next_id(self) -> int:
        """Return an id above all pending updates."""
        row = self._database.execute("SELECT max(update_id) FROM waiting_update").fetchone()
        return (row[0] or 0) + 1

    def list_pending(self, limit: int) -> list[tuple[int, Any]]:
        """Return the oldest updates, each with its id."""
        rows = self._database.execute(
            "SELECT * FROM waiting_update WHERE expires_at > ? ORDER BY update_id LIMIT ?",
            (int(time.time()), limit),
        )
        return [(row["update_id"], _to_update(row)) for row in rows]

    def count_pending(self) -> int:
        """Return the number of pending updates."""
        row = self._database.execute(
            "SELECT count(*) FROM waiting_update WHERE expires_at > ?", (int(time.time()),)
        ).fetchone()
        return int(row[0])

    async def long_poll(self, seconds: float) -> None:
        """Wait for an update or the timeout. Raises BotApiError 409 if another call ends it."""
        self._pending_poll = poll = asyncio.get_running_loop().create_future()
        await asyncio.wait([poll], timeout=seconds)
        if poll.done() and (ended_by := poll.result()):
            raise ended_by

    async def wait_for_update(self, seconds: float) -> None:
        """Wait until an update is queued, at most this many seconds."""
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), seconds)

    def terminate_poll(self, reason: str) -> None:
        """End the pending poll with an error because another poll or a webhook replaces it."""
        self._finish_poll(conflict(reason))

    def close(self) -> None:
        """End the pending poll with an empty result because the server stops."""
        self._finish_poll(None)

    def _finish_poll(self, ended_by: BotApiError | None) -> None:
        if self._pending_poll is not None and not self._pending_poll.done():
            self._pending_poll.set_result(ended_by)


def _to_update(row: sqlite3.Row) -> Any:
    body = json.loads(row["body"])
    if row["kind"] != RAW_KIND:
        return {"update_id": row["update_id"], row["kind"]: body}
    return {"update_id": row["update_id"], **body} if isinstance(body, dict) else body
