"""Users who send messages to a bot and wait for its answers."""

import asyncio
import time
from collections import Counter
from typing import Any

from tests.load.fakes.answer_log import AnswerLog, LoadResult
from tests.load.fakes.bot_api import BotApi
from tests.load.fakes.load_plan import LoadPlan
from tests.load.fakes.model import MARK, FakeModel


class LoadGenerator:
    """Runs one load after the other. No number of a question is used twice."""

    def __init__(self, model: FakeModel) -> None:
        self._model = model
        self._last_number = 0
        self._loads: dict[BotApi, _RunningLoad] = {}

    async def run(self, bot: BotApi, plan: LoadPlan) -> LoadResult:
        """Send all messages, and wait until they are answered or the patience is over.

        Later answers are counted until `finish`: a bot that was killed may repeat some.
        """
        self._model.plan = plan
        self._loads[bot] = load = _RunningLoad(self, bot, plan, self._model)
        bot.on_answer = load.handle_answer
        try:
            await load.run()
        except BaseException:
            self.finish(bot)
            raise
        return load.log.summarize(load.count_calls())

    def finish(self, bot: BotApi) -> dict[str, Any]:
        """End a bot's last load. Return the fields of its result that late answers change."""
        bot.on_answer = lambda _chat, _number: None
        load = self._loads.pop(bot)
        return load.log.count_faults() | {"calls": load.count_calls()}

    def take_number(self) -> int:
        self._last_number += 1
        return self._last_number


class _RunningLoad:
    def __init__(
        self, generator: LoadGenerator, bot: BotApi, plan: LoadPlan, model: FakeModel
    ) -> None:
        self._generator = generator
        self._bot = bot
        self._model = model
        self._calls_before, self._model_calls_before = Counter(bot.calls), model.calls
        self._plan = plan
        self._begin = time.monotonic()  # the clock of uvloop counts whole milliseconds
        self._unsent = dict.fromkeys(
            range(plan.first_person, plan.first_person + plan.people), plan.messages
        )
        self._is_answered = asyncio.Event()
        self.log = AnswerLog(self._begin)

    async def run(self) -> None:
        sending = asyncio.create_task(self._send_at_rate() if self._plan.rate else self._fill())
        try:
            while not (sending.done() and not self.log.pending and not any(self._unsent.values())):
                self._is_answered.clear()
                async with asyncio.timeout(self._plan.patience_seconds):
                    await self._is_answered.wait()
            await sending
        except TimeoutError:
            sending.cancel()
        self._unsent.clear()  # a late answer is not followed by a message

    def count_calls(self) -> dict[str, int]:
        """Return how often each method of the Bot API, and the model, were called until now."""
        calls = dict(self._bot.calls - self._calls_before)
        return calls | {"model": self._model.calls - self._model_calls_before}

    async def _fill(self) -> None:
        """Send the first messages of all people at once; the others follow the answers."""
        for person in self._unsent:
            for _ in range(self._plan.window):
                self._send(person)
        self._is_answered.set()

    async def _send_at_rate(self) -> None:
        people = list(self._unsent)
        for number in range(self._plan.total):
            await asyncio.sleep(self._begin + number / self._plan.rate - time.monotonic())
            self._send(people[number % len(people)])
        self._is_answered.set()

    def _send(self, person: int) -> None:
        if not self._unsent.get(person):
            return
        self._unsent[person] -= 1
        number = self._generator.take_number()
        self.log.add_question(person, number, time.monotonic())
        self._bot.push_message(person, f"Could you please help me with {MARK}{number}?")

    def handle_answer(self, chat: int, number: int | None) -> None:
        is_first = self.log.add_answer(chat, number, time.monotonic())
        if is_first and not self._plan.rate:
            self._send(chat)
        self._is_answered.set()
