"""A turn that is shown in its chat."""

import asyncio
from dataclasses import dataclass, field

from smart_kit.aio import sleep_until_stopped

from .draft_sender import DraftSender


@dataclass
class TurnDisplay:
    """Drawn by a task of its own until it is over."""

    chat_id: int
    draft_sender: DraftSender
    initial_delay_seconds: float
    """Seconds before the first drawing."""
    seq: int = 0
    """Of the newest frame."""
    expires_at: float = 0.0
    """By the event loop's clock."""
    text: str = ""
    """The answer as far as it is known."""
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """There is more text, or it is over."""
    task: asyncio.Task[None] | None = None

    def update_text(self, text: str) -> None:
        """What a frame brings; one without text takes nothing back."""
        if text and text != self.text:
            self.text = text
            self.changed.set()

    def finish(self) -> None:
        """Nothing more is drawn, but for what is on its way."""
        self.finished.set()
        self.changed.set()

    async def finish_and_wait(self) -> None:
        """End it; nothing is on its way either."""
        self.finish()
        if self.task is not None:
            await asyncio.wait({self.task})

    async def run(self) -> None:
        """What is new as soon as it may be, and what fades in time."""
        now = asyncio.get_running_loop().time
        await sleep_until_stopped(self.finished, self.initial_delay_seconds)
        while not self.finished.is_set() and now() < self.expires_at:
            self.changed.clear()
            schedule = await self.draft_sender.send(self.text)
            await sleep_until_stopped(self.finished, schedule.cooldown_seconds)
            await sleep_until_stopped(
                self.changed, schedule.refresh_seconds - schedule.cooldown_seconds
            )
