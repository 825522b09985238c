"""Updates that wait for the bot, and the one long poll that may wait for them."""

import asyncio
import json
import sqlite3
import time
from typing import Any

from sandbox.telegram.errors import BotApiError
from sandbox.telegram.state.settings import Settings

NOT_BY_DEFAULT = ("chat_member", "message_reaction", "message_reaction_count")
KINDS = (
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "stopped_message_generation",
    *NOT_BY_DEFAULT,
)
"""The kinds that the sandbox knows; others in `allowed_updates` are ignored."""
LIFETIME = {"callback_query": 150}
DAY = 24 * 3600
MAX_POLL_SECONDS = 50

_ALLOWED = "allowed_updates"


class Updates:
    """The bot's queue: an update is confirmed only by a later call with a greater offset."""

    def __init__(self, database: sqlite3.Connection, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._poll: asyncio.Future[bool] | None = None

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
        now = int(time.time())
        self._database.execute("DELETE FROM waiting_update WHERE expires_at <= ?", (now,))
        cursor = self._database.execute(
            "INSERT INTO waiting_update (kind, body, expires_at) VALUES (?, ?, ?)",
            (kind, json.dumps(body, ensure_ascii=False), now + LIFETIME.get(kind, DAY)),
        )
        self._finish_poll(True)
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

    def waiting(self, limit: int = 100) -> list[dict[str, Any]]:
        """The oldest updates as the Bot API writes them."""
        rows = self._database.execute(
            "SELECT * FROM waiting_update WHERE expires_at > ? ORDER BY update_id LIMIT ?",
            (int(time.time()), limit),
        )
        return [
            {"update_id": row["update_id"], row["kind"]: json.loads(row["body"])} for row in rows
        ]

    def count(self) -> int:
        """How many wait."""
        row = self._database.execute(
            "SELECT count(*) FROM waiting_update WHERE expires_at > ?", (int(time.time()),)
        ).fetchone()
        return int(row[0])

    async def wait(self, seconds: float) -> None:
        """Until something arrives or time is up. Raises BotApiError 409 if another poll begins."""
        self._poll = mine = asyncio.get_running_loop().create_future()
        try:
            is_ours = await asyncio.wait_for(mine, seconds)
        except TimeoutError:
            return
        finally:
            if self._poll is mine:
                self._poll = None
        if not is_ours:
            raise BotApiError(
                409,
                "Conflict: terminated by other getUpdates request; "
                "make sure that only one bot instance is running",
            )

    @property
    def is_polled(self) -> bool:
        """Whether a bot waits for updates at this moment."""
        return self._poll is not None

    def end_poll(self) -> None:
        """A newer poll begins: the one that waits loses."""
        self._finish_poll(False)

    def close(self) -> None:
        """The server stops: the poll that waits gets its empty answer now."""
        self._finish_poll(True)

    def _finish_poll(self, is_ours: bool) -> None:
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(is_ours)
