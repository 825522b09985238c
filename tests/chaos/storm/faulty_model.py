"""The sandbox's demo model with the delays and failures of a real one during a storm."""

import random
import time
from collections import Counter

from sandbox.llm.chat_completion import ChatCompletionResponse
from sandbox.llm.chat_request_validation import validate_chat_request
from sandbox.llm.prompt_parsing import parse_prompt
from sandbox.llm.rule_based_model import generate_reply
from smart_kit.testing.scripted_model import (
    RecordedRequest,
    ScriptedModel,
    ScriptedResponse,
    make_error_response,
    make_hanging_response,
    make_response,
    make_text_response,
    make_tool_call_response,
    make_truncated_response,
)

MAX_DELAY_SECONDS = 1.5
"""Seconds. Turns must last a little, or no process would be killed during one."""

_UNAVAILABLE = {"error": {"message": "The server is overloaded", "type": "server_error"}}
_LIMITED = {"error": {"message": "Rate limit reached", "type": "requests"}}
_FAULTS: dict[str, tuple[float, ScriptedResponse]] = {  # by name: probability and response
    "429": (0.03, make_error_response(429, _LIMITED, retry_after="1")),
    "500": (0.02, make_error_response(500, _UNAVAILABLE)),
    "503": (0.02, make_error_response(503, _UNAVAILABLE)),
    "cut connection": (0.01, make_truncated_response()),
    "cut JSON": (0.02, make_truncated_response(b'{"id": "chatcmpl-1", "choices": [{"mess')),
    "broken JSON": (0.01, make_response(b'{"id": "chatcmpl-1", "choices": [')),
    "empty": (0.01, make_text_response(None)),
    "unknown tool": (0.01, make_tool_call_response(("fly_to_the_moon", {"speed": 1}))),
    "time-out": (0.003, make_hanging_response()),
}


class FaultyModel(ScriptedModel):
    """A model server that fails at random while `is_failing` is set. It records no requests."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.is_failing = False
        self.fault_counts: Counter[str] = Counter()
        self._random = random.Random(f"{seed} model")

    def respond(self, request: RecordedRequest) -> ScriptedResponse:
        """Return a random fault or the reply of the demo model."""
        fault = self._draw_fault()
        if fault is not None:
            self.fault_counts[fault] += 1
            return _FAULTS[fault][1]
        if self.is_failing:
            time.sleep(self._random.uniform(0, MAX_DELAY_SECONDS))
        body = validate_chat_request(request.body)
        return make_response(
            ChatCompletionResponse(body, generate_reply(parse_prompt(body))).to_json()
        )

    def _draw_fault(self) -> str | None:
        if not self.is_failing:
            return None
        drawn = self._random.random()
        for name, (probability, _) in _FAULTS.items():
            drawn -= probability
            if drawn < 0:
                return name
        return None
