"""Chat actions (shown for 5 seconds) and drafts (30 seconds); kept in memory only."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from sandbox.telegram.state.event_bus import EventBus
from sandbox.telegram.state.messages import MessageContent

CHAT_ACTION_SECONDS = 5.0
DRAFT_SECONDS = 30.0
_END_EVENTS: dict[str, dict[str, Any]] = {"draft": {"draft_id": None}, "typing": {"typing": False}}


@dataclass(frozen=True)
class Draft:
    """One frame of a draft."""

    draft_id: int
    content: MessageContent
    can_stop: bool
    keep_on_stop: bool
    is_stopped: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the draft for the chat page."""
        return {
            "draft_id": str(self.draft_id),
            "text": self.content.text,
            "entities": self.content.entities,
            "rich_message": self.content.rich_message,
            "can_stop": self.can_stop and not self.is_stopped,
        }


class ChatActivity:
    """Chat actions and drafts of all chats; a message of the bot ends both."""

    def __init__(self, event_bus: EventBus) -> None:
        self._event_bus = event_bus
        self._timers: dict[tuple[str, int], asyncio.TimerHandle] = {}
        self._drafts: dict[int, Draft] = {}
        self._stopped_drafts: dict[int, int] = {}

    def is_typing(self, person_id: int) -> bool:
        """Return whether a chat action is shown."""
        return ("typing", person_id) in self._timers

    def get_draft(self, person_id: int) -> Draft | None:
        """Return the current draft."""
        return self._drafts.get(person_id)

    def start_action(self, person_id: int, action: str) -> None:
        """Show a chat action for 5 seconds."""
        self._start_timer("typing", person_id, CHAT_ACTION_SECONDS)
        self._event_bus.publish("typing", person_id, {"typing": True, "action": action})

    def update_draft(self, person_id: int, draft: Draft) -> None:
        """Show a frame of a draft; frames of a stopped draft are accepted but not shown."""
        if self._stopped_drafts.get(person_id) != draft.draft_id:
            self._start_timer("draft", person_id, DRAFT_SECONDS)
            self._publish_draft(person_id, draft)

    def stop_draft(self, person_id: int, draft_id: int) -> bool:
        """Stop a draft: it is removed, or stays until its timer ends with `keep_on_stop`.

        Return False if no draft with this id can be stopped.
        """
        draft = self._drafts.get(person_id)
        if draft is None or draft.draft_id != draft_id or not draft.can_stop or draft.is_stopped:
            return False
        self._stopped_drafts[person_id] = draft_id
        if draft.keep_on_stop:
            self._publish_draft(person_id, replace(draft, is_stopped=True))
        else:
            self._end("draft", person_id)
        return True

    def clear(self, person_id: int) -> None:
        """Remove the chat action and the draft because the bot sent a message."""
        for kind in _END_EVENTS:
            self._end(kind, person_id)

    def close(self) -> None:
        """Cancel all timers."""
        for timer in self._timers.values():
            timer.cancel()

    def _publish_draft(self, person_id: int, draft: Draft) -> None:
        self._drafts[person_id] = draft
        self._event_bus.publish("draft", person_id, draft.to_json())

    def _start_timer(self, kind: str, person_id: int, seconds: float) -> None:
        """End the chat action or draft later, in place of the end that is planned already."""
        if planned := self._timers.get((kind, person_id)):
            planned.cancel()
        loop = asyncio.get_running_loop()
        self._timers[kind, person_id] = loop.call_later(seconds, self._end, kind, person_id)

    def _end(self, kind: str, person_id: int) -> None:
        if timer := self._timers.pop((kind, person_id), None):
            timer.cancel()
            if kind == "draft":
                del self._drafts[person_id]
            self._event_bus.publish(kind, person_id, _END_EVENTS[kind])
