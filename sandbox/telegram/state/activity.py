"""Chat actions (shown for 5 seconds) and drafts (30 seconds); kept in memory only."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from sandbox.telegram.state.event_bus import ChatEvent, EventBus
from sandbox.telegram.state.messages import MessageContent

CHAT_ACTION_SECONDS = 5.0
DRAFT_SECONDS = 30.0


@dataclass(frozen=True)
class Draft:
    """One frame of a draft."""

    draft_id: int
    content: MessageContent
    can_stop: bool = False
    keep_on_stop: bool = False
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
        self._action_timers: dict[int, asyncio.TimerHandle] = {}
        self._draft_timers: dict[int, asyncio.TimerHandle] = {}
        self._drafts: dict[int, Draft] = {}
        self._stopped_drafts: dict[int, int] = {}

    def is_typing(self, person_id: int) -> bool:
        """Return whether a chat action is shown."""
        return person_id in self._action_timers

    def get_draft(self, person_id: int) -> Draft | None:
        """Return the current draft."""
        return self._drafts.get(person_id)

    def start_action(self, person_id: int, action: str) -> None:
        """Show a chat action for 5 seconds."""
        self._cancel_timer(self._action_timers, person_id)
        timer = asyncio.get_running_loop().call_later(
            CHAT_ACTION_SECONDS, self._end_action, person_id
        )
        self._action_timers[person_id] = timer
        self._event_bus.publish(ChatEvent("typing", person_id, {"typing": True, "action": action}))

    def update_draft(self, person_id: int, draft: Draft) -> None:
        """Show a frame of a draft; frames of a stopped draft are accepted but not shown."""
        if self._stopped_drafts.get(person_id) == draft.draft_id:
            return
        self._cancel_timer(self._draft_timers, person_id)
        timer = asyncio.get_running_loop().call_later(DRAFT_SECONDS, self._drop_draft, person_id)
        self._draft_timers[person_id] = timer
        self._publish_draft(person_id, draft)

    def stop_draft(self, person_id: int, draft_id: int) -> bool:
        """Stop a draft: it is removed, or stays until its timer ends with `keep_on_stop`.

        Return False where no draft with this id can be stopped.
        """
        draft = self._drafts.get(person_id)
        if draft is None or draft.draft_id != draft_id or not draft.can_stop or draft.is_stopped:
            return False
        self._stopped_drafts[person_id] = draft_id
        if draft.keep_on_stop:
            self._publish_draft(person_id, replace(draft, is_stopped=True))
        else:
            self._cancel_timer(self._draft_timers, person_id)
            self._drop_draft(person_id)
        return True

    def clear(self, person_id: int) -> None:
        """Remove the chat action and the draft because the bot sent a message."""
        if self._cancel_timer(self._draft_timers, person_id):
            self._drop_draft(person_id)
        if self._cancel_timer(self._action_timers, person_id):
            self._end_action(person_id)

    def close(self) -> None:
        """Cancel all timers."""
        for timer in (*self._action_timers.values(), *self._draft_timers.values()):
            timer.cancel()

    def _publish_draft(self, person_id: int, draft: Draft) -> None:
        self._drafts[person_id] = draft
        self._event_bus.publish(ChatEvent("draft", person_id, draft.to_json()))

    def _cancel_timer(self, timers: dict[int, asyncio.TimerHandle], person_id: int) -> bool:
        timer = timers.pop(person_id, None)
        if timer:
            timer.cancel()
        return timer is not None

    def _end_action(self, person_id: int) -> None:
        self._action_timers.pop(person_id, None)
        self._event_bus.publish(ChatEvent("typing", person_id, {"typing": False}))

    def _drop_draft(self, person_id: int) -> None:
        self._draft_timers.pop(person_id, None)
        self._drafts.pop(person_id, None)
        self._event_bus.publish(ChatEvent("draft", person_id, {"draft_id": None}))
