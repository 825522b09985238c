"""The ledger of a storm catches a system that keeps no promise."""

import signal
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from control.local.process import Process
from smart_kit.testing.scripted_model import Answer, Asked, held
from smart_kit.testing.suite import wait_until
from tests.chaos.storm.faulty_model import FaultyModel
from tests.chaos.storm.message import FIRST_NUMBER, number_in
from tests.chaos.storm.naive_baseline import NaiveBot
from tests.chaos.storm.people import People
from tests.chaos.storm.plan import BRIEF
from tests.chaos.storm.report import problems, table
from tests.chaos.storm.run import storm

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

OVERTAKEN, OVERTAKING, LOST, AFTER = range(FIRST_NUMBER, FIRST_NUMBER + 4)
"""The first messages. What becomes of all others is left to the storm, and to chance."""


class HoldingModel(FaultyModel):
    """Holds the answers to some messages back."""

    def __init__(self, seed: int, numbers: Iterable[int]) -> None:
        super().__init__(seed)
        self.asked = {number: threading.Event() for number in numbers}
        self.released = {number: threading.Event() for number in numbers}

    def _answer(self, asked: Asked) -> Answer:
        answer = super()._answer(asked)
        number = number_in(str(asked.messages[-1]["content"]))
        if number not in self.asked:
            return answer
        self.asked[number].set()
        return held(self.released[number], answer)


def test_a_naive_bot_does_not_survive_the_same_storm(tmp_path: Path) -> None:
    plan = replace(BRIEF, kinds=NaiveBot.kinds, minutes=BRIEF.minutes / 2)
    with HoldingModel(plan.seed, (OVERTAKEN, LOST)) as model:
        bot = NaiveBot(tmp_path / "suite", model.url)

        def overture(people: People) -> None:
            people.say(0, "sum")
            assert model.asked[OVERTAKEN].wait(60)
            people.say(0, "sum")
            people.wait_for(OVERTAKING)
            model.released[OVERTAKEN].set()
            people.wait_for(OVERTAKEN)
            people.say(1, "sum")
            assert model.asked[LOST].wait(60)
            killed = _workers(bot)  # one of them has the message
            for worker in killed:
                worker.send(signal.SIGKILL)
            # until then Redis may take one that waited for a message for alive, and give it one
            wait_until(lambda: len(_workers(bot) - killed) == len(killed))
            model.released[LOST].set()  # who asked again would be answered
            people.say(1, "sum")
            people.wait_for(AFTER)

        outcome = storm(bot, plan, model, tmp_path, overture)

    assert problems(outcome)["lost"] > 0, table(outcome)
    assert problems(outcome)["out of order"] > 0, table(outcome)
    assert LOST in {one.said.number for one in outcome.verifier.lost}
    assert OVERTAKEN in {one.number for one in outcome.verifier.out_of_order}
    assert outcome.fault_records_of("kill"), "it has met the storm too"


def _workers(bot: NaiveBot) -> set[Process]:
    return {one.process for one in bot.processes() if one.name.startswith(bot.freezable)}
