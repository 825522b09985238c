"""The sandbox's demo model, slower than it is, and failing as real ones do while a storm lasts."""

import random
import time
from collections import Counter
from types import TracebackType
from typing import Self

from sandbox.llm.chat_completion import ChatCompletionResponse
from sandbox.llm.chat_request_validation import validate_chat_request
from sandbox.llm.prompt_context import parse_prompt
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
"""Turns have to last a little, or nobody would be killed in the middle of one."""

_UNAVAILABLE = {"error": {"message": "The server is overloaded", "type": "server_error"}}
_LIMITED = {"error": {"message": "Rate limit reached", "type": "requests"}}
_FAULTS: dict[str, tuple[float, ScriptedResponse]] = {
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


class FaultyModel:
    """Serves the OpenAI protocol; a context manager."""

    def __init__(self, seed: int) -> None:
        self.is_failing = False
        self.fault_counts: Counter[str] = Counter()
        self._server = ScriptedModel(default_step=self._respond)
        self._random = random.Random(f"{seed} model")

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

    def _respond(self, request: RecordedRequest) -> ScriptedResponse:
        self._server.requests.clear()  # a long storm would keep every request
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
        for name, (share, _) in _FAULTS.items():
            drawn -= share
            if drawn < 0:
                return name
        return None
