"""A turn that is shown in its chat."""

import asyncio
from dataclasses import dataclass, field

from .backoff import pause
from .sketch import Sketch


@dataclass
class Show:
    """Drawn by a task of its own until it is over."""

    chat_id: int
    sketch: Sketch
    grace: float
    """Seconds before the first drawing."""
    seq: int = 0
    """Of the newest frame."""
    ends_at: float = 0.0
    """By the event loop's clock."""
    text: str = ""
    """The answer as far as it is known."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """There is more text, or it is over."""
    task: asyncio.Task[None] | None = None

    def write(self, text: str) -> None:
        """What a frame brings; one without text takes nothing back."""
        if text and text != self.text:
            self.text = text
            self.news.set()

    def end(self) -> None:
        """Nothing more is drawn, but for what is on its way."""
        self.over.set()
        self.news.set()

    async def ended(self) -> None:
        """End it; nothing is on its way either."""
        self.end()
        if self.task is not None:
            await asyncio.wait({self.task})

    async def draw(self) -> None:
        """What is new as soon as it may be, and what fades in time."""
        now = asyncio.get_running_loop().time
        await pause(self.over, self.grace)
        while not self.over.is_set() and now() < self.ends_at:
            self.news.clear()
            drawn = await self.sketch.draw(self.text)
            await pause(self.over, drawn.rest)
            await pause(self.news, drawn.lasts - drawn.rest)
