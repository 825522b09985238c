"""What is done about models that fail, over the real SDK and a real socket."""

import asyncio
import json
import threading
import time
from typing import Any

import pytest

from assistant.src.core.errors import ContextTooLong, EmptyAnswer
from assistant.src.messages.completion import Completion
from assistant.src.messages.item import Item
from assistant.src.services import model_client
from assistant.src.services.model_client import ModelClient
from assistant.src.services.model_endpoint import ChatCompletions
from assistant.src.services.model_request import ModelRequest
from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.testing.models import (
    Answer,
    ScriptedModel,
    calls,
    cuts,
    fails,
    held,
    says,
    sends,
)

MISSING_EFFORT = fails(
    400,
    {
        "error": {
            "message": "Function tools with reasoning_effort are not supported for gpt-6-luna",
            "type": "invalid_request_error",
            "param": "reasoning_effort",
            "code": None,
        }
    },
)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_client, "BACKOFF_SECONDS", 0.01)


def now() -> float:
    return asyncio.get_running_loop().time()


def request(*items: Item, tools: str = '[{"type":"function"}]', may_call: bool = True):
    return ModelRequest(
        model=None,
        system='{"role":"system","content":"s"}',
        tools=tools,
        items=items or (Item('{"role":"user","content":"hi"}'),),
        key="m/1",
        may_call=may_call,
    )


async def complete(
    endpoint: ChatCompletions,
    *,
    fallback: str | None = None,
    seconds: float = 60,
    asked: ModelRequest | None = None,
    **parameters: object,
) -> Completion:
    client = ModelClient(endpoint, "own", fallback, parameters)
    return await client.complete(asked or request(), now() + seconds, set())


def models_asked(model: ScriptedModel) -> list[str]:
    return [asked.body["model"] for asked in model.asked]


async def test_a_request_is_what_every_server_takes(
    endpoint: ChatCompletions, model: ScriptedModel
) -> None:
    model.expect("Hello!", "Hello!")
    await complete(endpoint)
    await complete(endpoint, asked=request(tools=""))

    assert model.asked[0].body.keys() == {"model", "tools", "messages"}
    assert model.asked[1].body.keys() == {"model", "messages"}
    assert model.asked[0].headers["authorization"] == "Bearer sk-test"
    assert model.asked[0].headers["content-type"] == "application/json"


async def test_a_good_answer_tells_its_tokens(
    endpoint: ChatCompletions, model: ScriptedModel
) -> None:
    model.expect("Hello!")
    completion = await complete(endpoint)

    assert (completion.text, completion.model) == ("Hello!", "own")
    assert (completion.prompt_tokens, completion.completion_tokens) == (10, 5)


@pytest.mark.parametrize(
    "failure",
    [
        fails(500, {"error": {"message": "boom"}}),
        fails(503, {"error": "busy"}),
        fails(529, b"overloaded"),
        fails(408),
        fails(409, {"error": {"code": "conversation_locked"}}),
        fails(429, {"error": {"code": "rate_limit_exceeded"}}),
        fails(500, [{"error": {"code": 500, "message": "internal"}}]),
        cuts(),
        sends(b"<html>oops</html>", "text/html"),
        sends(b'{"choices": [', "application/json"),
        sends({"choices": None}),
        sends({"choices": []}),
        sends({"error": {"code": 502, "message": "upstream"}}),
        sends({"choices": [{"message": {"tool_calls": "none"}}]}),
        sends([]),
        sends("text"),
        sends(b"null"),
    ],
    ids=str,
)
async def test_what_passes_is_tried_again(
    endpoint: ChatCompletions, model: ScriptedModel, failure: Answer
) -> None:
    model.expect(failure, failure, "Hello!")

    assert (await complete(endpoint)).text == "Hello!"


async def test_three_tries_are_enough(endpoint: ChatCompletions, model: ScriptedModel) -> None:
    model.expect(*[fails(500)] * 3)

    with pytest.raises(UpstreamUnavailable):
        await complete(endpoint)
    assert len(model.asked) == 3


@pytest.mark.parametrize(
    "failure",
    [
        fails(401, {"error": {"code": "invalid_api_key"}}),
        fails(402, {"error": {"message": "Insufficient Balance"}}),
        fails(403, {"error": {"message": "region"}}),
        fails(404, {"error": {"code": "model_not_found"}}),
        fails(404, b"<html>nothing here</html>"),
        fails(429, {"error": {"type": "insufficient_quota", "code": "credit_balance_exhausted"}}),
        fails(400, {"error": {"message": "invalid image", "param": "messages"}}),
        sends({"error": {"code": 402, "message": "no credits"}}),
    ],
    ids=str,
)
async def test_what_does_not_pass_is_not_tried_again(
    endpoint: ChatCompletions, model: ScriptedModel, failure: Answer
) -> None:
    model.expect(failure)

    with pytest.raises(UpstreamRejected):
        await complete(endpoint)
    assert len(model.asked) == 1

    model.expect(failure, "From the other.")
    assert (await complete(endpoint, fallback="other")).model == "other"


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    nowhere = ChatCompletions("sk", "http://127.0.0.1:9/v1")

    with pytest.raises(UpstreamUnavailable):
        await complete(nowhere)
    await nowhere.close()


async def test_a_silent_model_is_given_up_at_the_deadline(
    endpoint: ChatCompletions, model: ScriptedModel
) -> None:
    end = threading.Event()
    model.expect(held(end, says("late")))
    started = time.monotonic()

    with pytest.raises(UpstreamUnavailable):
        await complete(endpoint, seconds=1)
    end.set()
    assert 0.9 < time.monotonic() - started < 2


async def test_what_the_server_asks_us_to_wait_is_waited(
    endpoint: ChatCompletions, model: ScriptedModel
) -> None:
    model.expect(fails(429, None, retry_after_ms="300"), "Hello!")
    started = time.monotonic()
    await complete(endpoint)

    assert time.monotonic() - started >= 0.3


async def test_nobody_waits_beyond_the_deadline_but_falls_back(
    endpoint: ChatCompletions, model: ScriptedModel
) -> None:
    model.expect(fails(429, None, retry_after="3600"), "From the other.")

    assert (await complete(endpoint, fallback="other")).model == "other"
    assert models_asked(model) == ["own", "other"]


async def test_a_silent_model_leaves_time_for_the_other(
    endpoint: ChatCompletions, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_client, "FALLBACK_SECONDS", 1.0)
    end = threading.Event()
    model.expect(held(end, says("late")), "From the other.")

    assert (await complete(endpoint, fallback="other", seconds=2)).model == "other"
    end.set()


async def test_a_model_that_is_down_is_left_alone_for_the_rest_of_the_turn(
    endpoint: ChatCompletions, model: ScriptedModel
) -> None:
    model.expect(*[fails(500)] * 3, "One.", "Two.")
    client = ModelClient(endpoint, "own", "other")
    down: set[str] = set()
    for _ in range(2):
        await client.complete(request(), now() + 60, down)

    assert models_asked(model) == ["own"] * 3 + ["other"] * 2


async def test_an_empty_answer_is_asked_for_once_more(
    endpoint: ChatCompletions, model: ScriptedModel
) -> None:
    model.expect(says(None), "Hello!")
    assert (await complete(endpoint)).text == "Hello!"

    model.expect(says(""), says(" \n"))
    with pytest.raises(EmptyAnswer):
        await complete(endpoint)


class TestParameters:
    async def test_effort_is_named_where_it_must_be_and_remembered(
        self, endpoint: ChatCompletions, model: ScriptedModel
    ) -> None:
        model.expect(MISSING_EFFORT, "One.", "Two.")
        client = ModelClient(endpoint, "own")
        for _ in range(2):
            await client.complete(request(), now() + 60, set())

        efforts = [asked.body.get("reasoning_effort") for asked in model.asked]
        assert efforts == [None, "none", "none"]

    async def test_effort_is_dropped_where_it_is_refused_and_then_it_is_over(
        self, endpoint: ChatCompletions, model: ScriptedModel
    ) -> None:
        model.expect(MISSING_EFFORT, MISSING_EFFORT, MISSING_EFFORT)

        with pytest.raises(UpstreamRejected):
            await complete(endpoint)
        efforts = [asked.body.get("reasoning_effort") for asked in model.asked]
        assert efforts == [None, "none", None]

    async def test_what_one_model_refuses_another_still_gets(
        self, endpoint: ChatCompletions, model: ScriptedModel
    ) -> None:
        refused = fails(400, {"error": {"param": "temperature", "message": "unsupported"}})
        model.expect(refused, fails(404), "Hello!")
        await complete(endpoint, fallback="other", temperature=0.2)

        assert [asked.body.get("temperature") for asked in model.asked] == [0.2, None, 0.2]

    @pytest.mark.parametrize(
        "body",
        [
            {"error": {"param": "max_tokens", "code": "unsupported_parameter"}},
            {"error": {"message": "Use 'max_completion_tokens' instead of max_tokens."}},
            {"detail": [{"loc": ["body", "max_tokens"], "msg": "Extra inputs"}]},
            {"message": {"detail": [{"loc": ["body", "max_tokens"]}]}, "type": "invalid"},
            [{"error": {"message": "max_tokens is unknown", "code": 400}}],
            "max_tokens: not supported",
        ],
        ids=str,
    )
    async def test_a_refused_parameter_is_found_wherever_it_is_named(
        self, endpoint: ChatCompletions, model: ScriptedModel, body: object
    ) -> None:
        model.expect(fails(400, body), "Hello!")
        await complete(endpoint, max_tokens=500)

        second = model.asked[1].body
        assert "max_tokens" not in second
        assert second["max_completion_tokens"] == 500

    async def test_tool_choice_is_left_out_where_it_is_refused(
        self, endpoint: ChatCompletions, model: ScriptedModel
    ) -> None:
        model.expect(fails(422, {"detail": [{"loc": ["body", "tool_choice"]}]}), "Hello!")
        await complete(endpoint, asked=request(may_call=False))

        assert [asked.body.get("tool_choice") for asked in model.asked] == ["none", None]

    async def test_two_turns_that_learn_at_the_same_time_learn_the_same(
        self, endpoint: ChatCompletions, model: ScriptedModel
    ) -> None:
        both = threading.Barrier(2, timeout=5)

        def refuse(_: object) -> Answer:
            both.wait()
            return MISSING_EFFORT

        model.expect(refuse, refuse, "One.", "Two.")
        client = ModelClient(endpoint, "own")
        await asyncio.gather(*(client.complete(request(), now() + 60, set()) for _ in range(2)))
        efforts = [asked.body.get("reasoning_effort") for asked in model.asked]
        assert efforts == [None, None, "none", "none"]


class TestExtras:
    extra = Item.of(
        {
            "role": "assistant",
            "content": "",
            "reasoning_content": "hm",
            "tool_calls": [
                {
                    "id": "a",
                    "type": "function",
                    "extra_content": {"x": 1},
                    "function": {"name": "f", "arguments": "{}"},
                }
            ],
        },
        model="own",
    )

    @staticmethod
    def has_extras(raw: bytes) -> tuple[bool, bool]:
        return b"reasoning_content" in raw, b"extra_content" in raw

    async def test_go_back_to_the_model_they_came_from_and_to_no_other(
        self, endpoint: ChatCompletions, model: ScriptedModel
    ) -> None:
        model.expect(fails(404), "Hello!")
        await complete(endpoint, fallback="other", asked=request(self.extra))

        assert [self.has_extras(asked.raw) for asked in model.asked] == [
            (True, True),
            (False, False),
        ]
        assert model.asked[1].messages[1]["tool_calls"][0]["function"]["name"] == "f"

    async def test_of_the_fallback_go_back_to_the_fallback(
        self, endpoint: ChatCompletions, model: ScriptedModel
    ) -> None:
        model.expect("Hello!")
        client = ModelClient(endpoint, "own", "other")
        mine = Item(self.extra.json, model="other")
        await client.complete(request(mine), now() + 60, {"own"})

        assert self.has_extras(model.asked[0].raw) == (True, True)

    async def test_are_left_out_where_they_are_refused(
        self, endpoint: ChatCompletions, model: ScriptedModel
    ) -> None:
        message = "'messages.2' : property 'reasoning_content' is unsupported"
        model.expect(fails(400, {"error": {"message": message}}), "Hello!")
        await complete(endpoint, asked=request(self.extra))

        assert self.has_extras(model.asked[1].raw) == (False, False)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "context_length_exceeded", "param": "messages"}},
        {"object": "error", "message": "This model's maximum context length is 8192 tokens"},
        {"error": {"type": "exceed_context_size_error", "n_ctx": 4096}},
        [{"error": {"message": "exceeds the maximum number of tokens allowed (1048576)"}}],
        "prompt is too long: 210000 tokens",
        {"error": {"message": "x" * 600 + " maximum context length is 10 (max_tokens: 5)"}},
    ],
    ids=lambda body: json.dumps(body)[:60],
)
async def test_a_conversation_too_long_is_recognised_by_whatever_it_says(
    endpoint: ChatCompletions, model: ScriptedModel, body: object
) -> None:
    model.expect(fails(400, body))

    with pytest.raises(ContextTooLong):
        await complete(endpoint, fallback="other")
    assert len(model.asked) == 1


async def test_errors_name_codes_and_say_nothing_of_the_key_or_of_what_was_sent(
    endpoint: ChatCompletions, model: ScriptedModel
) -> None:
    error = {"code": "invalid_api_key", "type": None, "message": "sk-test may not ask 'my secret'"}
    model.expect(fails(401, {"error": error}))

    with pytest.raises(UpstreamRejected) as refused:
        await complete(endpoint)
    assert "sk-test" not in str(refused.value)
    assert refused.value.message == "401: code invalid_api_key"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "my secret"}}, "500: an object of message"),
        (b"<html>my secret</html>", "500: a str of 22"),
        ({"detail": [{"loc": ["body", "input"], "input": "my secret"}]}, "500: param body.input"),
    ],
)
async def test_an_error_without_a_code_is_known_by_its_shape(
    endpoint: ChatCompletions, model: ScriptedModel, body: Any, said: str
) -> None:
    model.expect(*[fails(500, body)] * 3)

    with pytest.raises(UpstreamUnavailable) as failed:
        await complete(endpoint)
    assert failed.value.message == said


async def test_calls_are_counted_by_model(endpoint: ChatCompletions, model: ScriptedModel) -> None:
    counter = model_client.TOKENS.labels("own", "prompt")
    before = counter._value.get()
    model.expect(calls(("f", {})))
    await complete(endpoint)

    assert counter._value.get() - before == 10
