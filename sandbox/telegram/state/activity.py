"""What a bot shows while it works: a chat action for 5 seconds, a draft for 30. Memory only."""

import asyncio
from typing import Any

from sandbox.telegram.state.feed import Event, Feed

ACTION_SECONDS = 5.0
DRAFT_SECONDS = 30.0


class Activity:
    """Chat actions and drafts; any message of the bot ends both."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._actions: dict[int, asyncio.TimerHandle] = {}
        self._drafts: dict[int, asyncio.TimerHandle] = {}
        self._texts: dict[int, dict[str, Any]] = {}

    def is_typing(self, person_id: int) -> bool:
        """Whether the person sees the bot at work."""
        return person_id in self._actions

    def draft_of(self, person_id: int) -> dict[str, Any] | None:
        """The answer that grows at the moment."""
        return self._texts.get(person_id)

    def act(self, person_id: int, action: str) -> None:
        """The bot types, uploads, …"""
        self._stop(self._actions, person_id)
        timer = asyncio.get_running_loop().call_later(ACTION_SECONDS, self._rest, person_id)
        self._actions[person_id] = timer
        self._feed.publish(Event("typing", person_id, {"typing": True, "action": action}))

    def write(self, person_id: int, draft: dict[str, Any]) -> None:
        """The answer so far."""
        self._stop(self._drafts, person_id)
        timer = asyncio.get_running_loop().call_later(DRAFT_SECONDS, self._drop_draft, person_id)
        self._drafts[person_id] = timer
        self._texts[person_id] = draft
        self._feed.publish(Event("draft", person_id, draft))

    def end(self, person_id: int) -> None:
        """The bot has sent a message."""
        if self._stop(self._drafts, person_id):
            self._drop_draft(person_id)
        if self._stop(self._actions, person_id):
            self._rest(person_id)

    def close(self) -> None:
        """The server stops."""
        for timer in (*self._actions.values(), *self._drafts.values()):
            timer.cancel()

    def _stop(self, timers: dict[int, asyncio.TimerHandle], person_id: int) -> bool:
        timer = timers.pop(person_id, None)
        if timer:
            timer.cancel()
        return timer is not None

    def _rest(self, person_id: int) -> None:
        self._actions.pop(person_id, None)
        self._feed.publish(Event("typing", person_id, {"typing": False}))

    def _drop_draft(self, person_id: int) -> None:
        self._drafts.pop(person_id, None)
        self._texts.pop(person_id, None)
        self._feed.publish(Event("draft", person_id, {"draft_id": None}))
