"""The verifier of a storm detects that a naive bot loses and reorders messages."""

import signal
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from control.local.process import Process
from smart_kit.testing.scripted_model import RecordedRequest, ScriptedResponse, make_gated_response
from smart_kit.testing.suite_harness import wait_until
from tests.chaos.storm.faulty_model import FaultyModel
from tests.chaos.storm.message import FIRST_NUMBER, parse_number
from tests.chaos.storm.naive_baseline import NaiveBot
from tests.chaos.storm.plan import SHORT_PLAN
from tests.chaos.storm.report import count_violations, render_table
from tests.chaos.storm.run import run_storm
from tests.chaos.storm.simulated_users import SimulatedUsers

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

OVERTAKEN_NUMBER, OVERTAKING_NUMBER, LOST_NUMBER, LATER_NUMBER = range(
    FIRST_NUMBER, FIRST_NUMBER + 4
)
"""The messages of the prelude, whose fate is scripted; that of all others depends on the storm."""


class HoldingModel(FaultyModel):
    """Holds back the answers to some messages until the test releases them."""

    def __init__(self, seed: int, numbers: Iterable[int]) -> None:
        super().__init__(seed)
        self.request_events = {number: threading.Event() for number in numbers}
        self.release_events = {number: threading.Event() for number in numbers}

    def respond(self, request: RecordedRequest) -> ScriptedResponse:
        response = super().respond(request)
        number = parse_number(str(request.messages[-1]["content"]))
        if number not in self.request_events:
            return response
        self.request_events[number].set()
        return make_gated_response(self.release_events[number], response)


def test_a_naive_bot_does_not_survive_the_same_storm(tmp_path: Path) -> None:
    plan = replace(SHORT_PLAN, kinds=NaiveBot.kinds, minutes=SHORT_PLAN.minutes / 2)
    with HoldingModel(plan.seed, (OVERTAKEN_NUMBER, LOST_NUMBER)) as model:
        bot = NaiveBot(tmp_path / "suite", model.url)

        def prelude(users: SimulatedUsers) -> None:
            users.send(0, "sum")
            assert model.request_events[OVERTAKEN_NUMBER].wait(60)
            users.send(0, "sum")
            users.wait_for_reply(OVERTAKING_NUMBER)
            model.release_events[OVERTAKEN_NUMBER].set()
            users.wait_for_reply(OVERTAKEN_NUMBER)
            users.send(1, "sum")
            assert model.request_events[LOST_NUMBER].wait(60)
            killed = _find_workers(bot)  # one of them has the message
            for worker in killed:
                worker.send_signal(signal.SIGKILL)
            # before they are restarted Redis may still deliver a message to a killed worker
            wait_until(lambda: len(_find_workers(bot) - killed) == len(killed))
            model.release_events[LOST_NUMBER].set()  # a second request would be answered
            users.send(1, "sum")
            users.wait_for_reply(LATER_NUMBER)

        result = run_storm(bot, plan, model, tmp_path, prelude)

    assert count_violations(result)["lost"] > 0, render_table(result)
    assert count_violations(result)["out of order"] > 0, render_table(result)
    assert LOST_NUMBER in {record.user_message.number for record in result.verifier.lost_messages}
    assert OVERTAKEN_NUMBER in {message.number for message in result.verifier.out_of_order}
    assert result.fault_records_for("kill"), "the storm followed the prelude"


def _find_workers(bot: NaiveBot) -> set[Process]:
    return {
        target.process for target in bot.list_processes() if target.name.startswith(bot.freezable)
    }
