"""The sandbox's demo model, slower than it is, and failing as real ones do while a storm lasts."""

import random
import time
from collections import Counter
from types import TracebackType
from typing import Self

from sandbox.llm.completion import Completion
from sandbox.llm.conversation import read_conversation
from sandbox.llm.model import respond
from sandbox.llm.request import check_request
from smart_kit.testing.scripted_model import (
    Answer,
    Asked,
    ScriptedModel,
    calls,
    cuts,
    fails,
    hangs,
    says,
    sends,
)

SLOWEST_SECONDS = 1.5
"""Turns have to last a little, or nobody would be killed in the middle of one."""

_UNAVAILABLE = {"error": {"message": "The server is overloaded", "type": "server_error"}}
_LIMITED = {"error": {"message": "Rate limit reached", "type": "requests"}}
_FAULTS: dict[str, tuple[float, Answer]] = {
    "429": (0.03, fails(429, _LIMITED, retry_after="1")),
    "500": (0.02, fails(500, _UNAVAILABLE)),
    "503": (0.02, fails(503, _UNAVAILABLE)),
    "cut connection": (0.01, cuts()),
    "cut JSON": (0.02, cuts(b'{"id": "chatcmpl-1", "choices": [{"mess')),
    "broken JSON": (0.01, sends(b'{"id": "chatcmpl-1", "choices": [')),
    "empty": (0.01, says(None)),
    "unknown tool": (0.01, calls(("fly_to_the_moon", {"speed": 1}))),
    "time-out": (0.003, hangs()),
}


class FaultyModel:
    """Serves the OpenAI protocol; a context manager."""

    def __init__(self, seed: int) -> None:
        self.is_failing = False
        self.faults: Counter[str] = Counter()
        self._server = ScriptedModel(otherwise=self._answer)
        self._dice = random.Random(f"{seed} model")

    @property
    def url(self) -> str:
        """For OPENAI_BASE_URL."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.__exit__(kind, error, traceback)

    def _answer(self, asked: Asked) -> Answer:
        self._server.asked.clear()  # a long storm would keep every request
        fault = self._fault()
        if fault is not None:
            self.faults[fault] += 1
            return _FAULTS[fault][1]
        if self.is_failing:
            time.sleep(self._dice.uniform(0, SLOWEST_SECONDS))
        body = check_request(asked.body)
        return sends(Completion(body, respond(read_conversation(body))).whole())

    def _fault(self) -> str | None:
        if not self.is_failing:
            return None
        drawn = self._dice.random()
        for name, (share, _) in _FAULTS.items():
            drawn -= share
            if drawn < 0:
                return name
        return None
