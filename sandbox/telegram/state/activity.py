"""What a bot shows while it works: a chat action for 5 seconds, a draft for 30. Memory only."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from sandbox.telegram.state.feed import Event, Feed
from sandbox.telegram.state.messages import Content

ACTION_SECONDS = 5.0
DRAFT_SECONDS = 30.0


@dataclass(frozen=True)
class Draft:
    """A frame of an answer that grows."""

    draft_id: int
    content: Content
    can_stop: bool = False
    keep_on_stop: bool = False
    is_stopped: bool = False

    def to_json(self) -> dict[str, Any]:
        """As the chat page reads it."""
        return {
            "draft_id": str(self.draft_id),
            "text": self.content.text,
            "entities": self.content.entities,
            "rich_message": self.content.rich_message,
            "can_stop": self.can_stop and not self.is_stopped,
        }


class Activity:
    """Chat actions and drafts; any message of the bot ends both."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._actions: dict[int, asyncio.TimerHandle] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._drafts: dict[int, Draft] = {}
        self._stopped: dict[int, int] = {}

    def is_typing(self, person_id: int) -> bool:
        """Whether the person sees the bot at work."""
        return person_id in self._actions

    def draft_of(self, person_id: int) -> Draft | None:
        """The answer that grows at the moment."""
        return self._drafts.get(person_id)

    def act(self, person_id: int, action: str) -> None:
        """The bot types, uploads, …"""
        self._stop(self._actions, person_id)
        timer = asyncio.get_running_loop().call_later(ACTION_SECONDS, self._rest, person_id)
        self._actions[person_id] = timer
        self._feed.publish(Event("typing", person_id, {"typing": True, "action": action}))

    def write(self, person_id: int, draft: Draft) -> None:
        """The answer so far. Frames of one that was stopped are taken and not shown."""
        if self._stopped.get(person_id) == draft.draft_id:
            return
        self._stop(self._timers, person_id)
        timer = asyncio.get_running_loop().call_later(DRAFT_SECONDS, self._drop_draft, person_id)
        self._timers[person_id] = timer
        self._show(person_id, draft)

    def stop_draft(self, person_id: int, draft_id: int) -> bool:
        """The person stops the answer: it vanishes, or stays a while as it is.

        False where no draft of that id can be stopped.
        """
        draft = self._drafts.get(person_id)
        if draft is None or draft.draft_id != draft_id or not draft.can_stop or draft.is_stopped:
            return False
        self._stopped[person_id] = draft_id
        if draft.keep_on_stop:
            self._show(person_id, replace(draft, is_stopped=True))
        else:
            self._stop(self._timers, person_id)
            self._drop_draft(person_id)
        return True

    def end(self, person_id: int) -> None:
        """The bot has sent a message."""
        if self._stop(self._timers, person_id):
            self._drop_draft(person_id)
        if self._stop(self._actions, person_id):
            self._rest(person_id)

    def close(self) -> None:
        """The server stops."""
        for timer in (*self._actions.values(), *self._timers.values()):
            timer.cancel()

    def _show(self, person_id: int, draft: Draft) -> None:
        self._drafts[person_id] = draft
        self._feed.publish(Event("draft", person_id, draft.to_json()))

    def _stop(self, timers: dict[int, asyncio.TimerHandle], person_id: int) -> bool:
        timer = timers.pop(person_id, None)
        if timer:
            timer.cancel()
        return timer is not None

    def _rest(self, person_id: int) -> None:
        self._actions.pop(person_id, None)
        self._feed.publish(Event("typing", person_id, {"typing": False}))

    def _drop_draft(self, person_id: int) -> None:
        self._timers.pop(person_id, None)
        self._drafts.pop(person_id, None)
        self._feed.publish(Event("draft", person_id, {"draft_id": None}))
