"""Users of a load, with a scripted bot that answers as badly as the test wants."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.load.fakes.bot_api import BotApi
from tests.load.fakes.load_generator import LoadGenerator
from tests.load.fakes.load_plan import LoadPlan
from tests.load.fakes.model import FakeModel

pytestmark = pytest.mark.clock("virtual")

TOKEN = "1:token"
PLAN = LoadPlan(TOKEN, people=3, messages=4, patience_seconds=30.0)

Reply = Callable[["ScriptedBot", int, int], None]


class ScriptedBot(BotApi):
    """Passes each message to `reply` at the next turn of the event loop."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(TOKEN)
        self.reply = reply
        self.waiting: dict[int, int] = {}
        """The number of unanswered messages of each person."""
        self.most_waiting = 0

    def push_message(self, person: int, text: str) -> None:
        found = re.search(r"question (\d+)", text)
        assert found is not None
        self.waiting[person] = self.waiting.get(person, 0) + 1
        self.most_waiting = max(self.most_waiting, *self.waiting.values())
        asyncio.get_running_loop().call_soon(self.reply, self, person, int(found[1]))

    def answer(self, person: int, number: int) -> None:
        self.waiting[person] -= 1
        self.on_answer(person, number)


def answer_once(bot: ScriptedBot, person: int, number: int) -> None:
    bot.answer(person, number)


async def test_good_bot_has_no_faults() -> None:
    bot = ScriptedBot(answer_once)
    result = await LoadGenerator(FakeModel()).run(bot, PLAN)
    assert (result.sent, len(result.samples)) == (12, 12)
    assert (result.lost, result.duplicated, result.out_of_order) == (0, 0, 0)
    assert bot.most_waiting == 1


async def test_window_lets_a_person_write_before_the_answer() -> None:
    bot = ScriptedBot(answer_once)
    result = await LoadGenerator(FakeModel()).run(bot, replace(PLAN, window=3))
    assert (result.sent, bot.most_waiting) == (12, 3)


async def test_lost_message_ends_the_load_after_the_patience() -> None:
    def lose_one(bot: ScriptedBot, person: int, number: int) -> None:
        if number != 5:
            bot.answer(person, number)

    result = await LoadGenerator(FakeModel()).run(ScriptedBot(lose_one), PLAN)
    assert result.lost == 1


async def test_duplicate_does_not_make_its_person_write_more() -> None:
    def answer_twice(bot: ScriptedBot, person: int, number: int) -> None:
        bot.answer(person, number)
        bot.on_answer(person, number)

    bot, generator = ScriptedBot(answer_twice), LoadGenerator(FakeModel())
    result = await generator.run(bot, PLAN)
    assert (result.sent, result.lost, bot.most_waiting) == (12, 0, 1)
    assert generator.finish(bot)["duplicated"] == 12


async def test_answers_after_the_last_first_one_are_counted() -> None:
    asked: list[tuple[int, int]] = []

    def remember(bot: ScriptedBot, person: int, number: int) -> None:
        asked.append((person, number))
        bot.answer(person, number)

    bot, model = ScriptedBot(remember), FakeModel()
    generator = LoadGenerator(model)
    result = await generator.run(bot, PLAN)
    assert (result.duplicated, result.calls) == (0, {"model": 0})
    for person, number in asked:
        bot.on_answer(person, number)
    bot.on_answer(1, None)
    bot.calls["sendMessage"] += 12
    model.calls += 12

    late = generator.finish(bot)
    assert (late["duplicated"], late["unexpected"]) == (12, 1)
    assert late["calls"] == {"sendMessage": 12, "model": 12}


async def test_answer_after_the_patience_makes_nobody_write() -> None:
    waiting: list[tuple[int, int]] = []
    bot = ScriptedBot(lambda _, person, number: waiting.append((person, number)))
    generator = LoadGenerator(FakeModel())
    result = await generator.run(bot, PLAN)
    assert (result.sent, result.lost) == (3, 3)
    for person, number in list(waiting):
        bot.answer(person, number)
    await asyncio.sleep(1)
    assert len(waiting) == 3


async def test_reordered_answers_are_counted() -> None:
    held: dict[int, int] = {}

    def swap_pairs(bot: ScriptedBot, person: int, number: int) -> None:
        if person not in held:
            held[person] = number
            return
        bot.answer(person, number)
        bot.answer(person, held.pop(person))

    plan = replace(PLAN, messages=2, window=2)
    result = await LoadGenerator(FakeModel()).run(ScriptedBot(swap_pairs), plan)
    assert (result.out_of_order, result.lost) == (3, 0)


async def test_rate_sends_whether_or_not_answers_come() -> None:
    plan = replace(PLAN, rate=20.0, patience_seconds=5.0)
    result = await LoadGenerator(FakeModel()).run(ScriptedBot(lambda *_: None), plan)
    assert (result.sent, result.lost) == (12, 12)


async def test_numbers_are_not_repeated_in_a_later_load() -> None:
    numbers: list[int] = []

    def remember(bot: ScriptedBot, person: int, number: int) -> None:
        numbers.append(number)
        bot.answer(person, number)

    generator = LoadGenerator(FakeModel())
    for _ in range(2):
        await generator.run(ScriptedBot(remember), PLAN)
    assert len(set(numbers)) == 24
