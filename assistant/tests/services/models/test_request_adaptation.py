"""What is learnt from a model's refusals, for which requests, and that learning ends."""

import gc
import json
import weakref
from typing import Any

import pytest

from assistant.src.messages.item import ChatItem, build_tool_result_item
from assistant.src.services.models.circuit_breaker import FAILURE_THRESHOLD
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.model_state import MAX_REJECTED_EXTRAS, ModelStates
from assistant.src.services.models.transport.endpoint import Endpoint
from assistant.tests.services.models.fake_openai_server import (
    JsonObject,
    Responder,
    StubResponse,
    make_completion,
    make_error,
    run_fake_openai_server,
)
from assistant.tests.services.models.model_harness import (
    QUESTION,
    make_fake_turn,
    make_model_request,
    make_resolved_model,
)
from smart_kit.errors import UpstreamError, UpstreamRejected

pytestmark = pytest.mark.clock("virtual")

CALL = {"id": "abcdefghi", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLING_MESSAGE = {"role": "assistant", "content": "", "tool_calls": [CALL]}
FOREIGN_ITEMS = (
    QUESTION,
    ChatItem.from_message(CALLING_MESSAGE),
    build_tool_result_item("abcdefghi", "r"),
)
"""Calls of another model, which has added nothing."""


def respond_done(body: JsonObject) -> StubResponse:
    return make_completion({"content": "Done."})


def make_refusal(message: str, status: int = 400, **more: Any) -> StubResponse:
    return make_error(status, {"error": {"message": message, **more}})


@pytest.mark.parametrize(
    ("sentence", "most"),
    [
        ("Missing `reasoning_content` field in the assistant message at index 1", 4),
        ("Function call is missing a thought_signature in extra_content", 4),
        ("extra_content: field thought_signature is required", 4),
        ("reasoning_content must be passed, reasoning_details must not", 6),
        ("temperature, reasoning and verbosity are not supported", 3),
    ],
)
async def test_permanent_refusal_ends_the_retries_and_adapts_nothing(
    sentence: str, most: int
) -> None:
    client = ModelClient()
    async with run_fake_openai_server(lambda _: make_refusal(sentence)) as server:
        for _ in range(2):
            before = len(server.requests)
            request = make_model_request(*FOREIGN_ITEMS, overrides={"temperature": 0.5})
            with pytest.raises(UpstreamRejected):
                await client.complete(
                    [make_resolved_model(server.endpoint)], request, make_fake_turn()
                )
            assert len(server.requests) - before <= most
        server.responder = respond_done
        await client.complete(
            [make_resolved_model(server.endpoint)],
            make_model_request(overrides={"temperature": 0.5}),
            make_fake_turn(),
        )

    assert server.requests[-1]["temperature"] == 0.5


async def test_number_of_adaptations_is_limited() -> None:
    parameters = {f"own_{letter}": 1 for letter in "abcdefghijklmnopqrst"}

    def respond(body: JsonObject) -> StubResponse:
        return make_refusal("no", param=next(name for name in body if name.startswith("own_")))

    async with run_fake_openai_server(respond) as server:
        model = make_resolved_model(server.endpoint, parameters=parameters)
        with pytest.raises(UpstreamRejected):
            await ModelClient().complete([model], make_model_request(), make_fake_turn())

    assert len(server.requests) == 13


async def test_missing_field_is_added_to_messages_without_calls_too() -> None:
    def strict(body: JsonObject) -> StubResponse:
        for at, message in enumerate(body["messages"]):
            if message["role"] == "assistant" and "reasoning_content" not in message:
                return make_refusal(f"Missing `reasoning_content` field at index {at}")
        return respond_done(body)

    plain_message = ChatItem.from_message({"role": "assistant", "content": "Yes."})
    client = ModelClient()
    async with run_fake_openai_server(strict) as server:
        for _ in range(2):
            request = make_model_request(*FOREIGN_ITEMS, plain_message, QUESTION)
            completion = await client.complete(
                [make_resolved_model(server.endpoint)], request, make_fake_turn()
            )

    assert completion.text == "Done."
    assert len(server.requests) == 4  # the second time it is known


class TestScope:
    async def test_a_value_that_is_too_much_is_no_reason_to_leave_out_others(self) -> None:
        def respond(body: JsonObject) -> StubResponse:
            for name in ("max_tokens", "max_completion_tokens"):
                if body.get(name, 0) > 16_384:
                    sentence = f"{name} is too large: 200000. At most 16384 tokens are supported"
                    return make_refusal(sentence, param=name, code="invalid_value")
            return respond_done(body)

        client = ModelClient()
        async with run_fake_openai_server(respond) as server:
            for most in (200_000, 50, 200_000):
                request = make_model_request(overrides={"max_tokens": most})
                await client.complete(
                    [make_resolved_model(server.endpoint)], request, make_fake_turn()
                )

        sent = [
            (one.get("max_tokens"), one.get("max_completion_tokens")) for one in server.requests
        ]
        assert sent == [(200_000, None), (None, 200_000), (None, None), (50, None), (None, None)]

    async def test_a_parameter_that_is_not_taken_at_all_is_left_out_for_all(self) -> None:
        def respond(body: JsonObject) -> StubResponse:
            detail = [{"type": "extra_forbidden", "loc": ["body", "temperature"]}]
            return (
                make_error(422, {"detail": detail}) if "temperature" in body else respond_done(body)
            )

        client = ModelClient()
        async with run_fake_openai_server(respond) as server:
            for temperature in (0.5, 0.7):
                request = make_model_request(overrides={"temperature": temperature})
                await client.complete(
                    [make_resolved_model(server.endpoint)], request, make_fake_turn()
                )

        assert len(server.requests) == 3

    async def test_user_text_quoted_in_an_error_adapts_nothing(self) -> None:
        """The request would succeed without the parameter only by chance."""
        text = "what is a bad temperature for\nbread"
        person = ChatItem.from_message({"role": "user", "content": text})
        answers = [make_refusal(f"bad request: {text!s}"), respond_done({})]
        client = ModelClient()
        async with run_fake_openai_server(
            lambda body: answers.pop(0) if answers else respond_done(body)
        ) as server:
            request = make_model_request(person, overrides={"temperature": 0.5})
            with pytest.raises(UpstreamRejected):
                await client.complete(
                    [make_resolved_model(server.endpoint)], request, make_fake_turn()
                )

        assert len(server.requests) == 1

    async def test_a_sentence_alone_is_believed_for_the_value_that_was_sent(self) -> None:
        answers = [make_refusal("temperature: not this one"), respond_done({}), respond_done({})]
        client = ModelClient()
        async with run_fake_openai_server(lambda _: answers.pop(0)) as server:
            for temperature in (0.5, 0.7):
                request = make_model_request(overrides={"temperature": temperature})
                await client.complete(
                    [make_resolved_model(server.endpoint)], request, make_fake_turn()
                )

        assert [one.get("temperature") for one in server.requests] == [0.5, None, 0.7]


def respond_with_reasoning(body: JsonObject) -> StubResponse:
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    return make_completion({"content": None, "reasoning_content": "sealed", "tool_calls": [call]})


def refuse_reasoning(refusal: StubResponse) -> Responder:
    return lambda body: refusal if "sealed" in json.dumps(body) else respond_done(body)


@pytest.mark.parametrize(
    "refusal",
    [
        make_refusal("Invalid `signature` in `thinking` block"),
        make_refusal("messages.1: invalid", param="messages.1.content"),
        make_refusal("unprocessable", status=422),
    ],
    ids=lambda sent: str(sent.body)[:50],
)
async def test_rejected_extras_are_omitted_from_then_on(
    refusal: StubResponse,
) -> None:
    client = ModelClient()
    async with run_fake_openai_server(respond_with_reasoning) as server:
        model = make_resolved_model(server.endpoint)
        first = await client.complete([model], make_model_request(), make_fake_turn())
        items = [QUESTION, first.item, build_tool_result_item(first.calls[0].id, "r")]
        server.responder = refuse_reasoning(refusal)
        said = [
            await client.complete([model], make_model_request(*items), make_fake_turn())
            for _ in range(2)
        ]

    assert [one.text for one in said] == ["Done.", "Done."]
    assert len(server.requests) == 1 + 2 + 1


async def test_unrelated_refusal_keeps_the_extras() -> None:
    client = ModelClient()
    async with run_fake_openai_server(respond_with_reasoning) as server:
        model = make_resolved_model(server.endpoint)
        first = await client.complete([model], make_model_request(), make_fake_turn())
        items = [QUESTION, first.item, build_tool_result_item(first.calls[0].id, "r")]
        server.responder = lambda _: make_refusal("flagged")
        with pytest.raises(UpstreamRejected):
            await client.complete([model], make_model_request(*items), make_fake_turn())
        server.responder = respond_done
        await client.complete([model], make_model_request(*items), make_fake_turn())

    assert "sealed" not in json.dumps(server.requests[2])
    assert "sealed" in json.dumps(server.requests[3])


def respond_to_chat_only(body: JsonObject) -> StubResponse:
    return (
        make_error(404, {"error": {"message": "no such path"}})
        if "input" in body
        else respond_done(body)
    )


async def test_failures_of_one_api_do_not_affect_the_other() -> None:
    client = ModelClient()
    async with run_fake_openai_server(respond_to_chat_only) as server:
        model = make_resolved_model(server.endpoint, api="responses")
        for _ in range(FAILURE_THRESHOLD + 1):
            with pytest.raises(UpstreamError):
                await client.complete([model], make_model_request(), make_fake_turn())
        completion = await client.complete(
            [model], make_model_request(api="chat"), make_fake_turn()
        )

    assert completion.text == "Done."


class TestUnsupportedApi:
    @pytest.mark.parametrize("status", [404, 405])
    async def test_is_asked_for_once_and_then_that_of_the_models_record(self, status: int) -> None:
        client, paths = ModelClient(), []

        def respond(body: JsonObject) -> StubResponse:
            return make_error(status, "no") if "input" in body else respond_done(body)

        async with run_fake_openai_server(respond) as server:
            for parameters in ({}, {}, {"seed": 1}):
                model = make_resolved_model(server.endpoint, parameters=parameters)
                completion = await client.complete(
                    [model], make_model_request(api="responses"), make_fake_turn()
                )
                paths.append([path.rpartition("/")[2] for path in server.paths])
                server.paths.clear()

        assert completion.text == "Done."
        assert paths == [
            ["responses", "completions"],
            ["completions"],
            ["responses", "completions"],
        ]

    async def test_is_asked_for_again_where_the_other_did_not_answer_either(self) -> None:
        client = ModelClient()
        async with run_fake_openai_server(
            lambda _: make_error(404, {"error": {"code": "model_not_found"}})
        ) as server:
            for _ in range(2):
                with pytest.raises(UpstreamRejected):
                    await client.complete(
                        [make_resolved_model(server.endpoint)],
                        make_model_request(api="responses"),
                        make_fake_turn(),
                    )

        assert [path.rpartition("/")[2] for path in server.paths] == [
            "responses",
            "completions",
        ] * 2

    async def test_is_no_reason_to_ask_by_another_where_the_record_names_it(self) -> None:
        async with run_fake_openai_server(respond_to_chat_only) as server:
            model = make_resolved_model(server.endpoint, api="responses")
            with pytest.raises(UpstreamRejected):
                await ModelClient().complete(
                    [model], make_model_request(api="responses"), make_fake_turn()
                )

        assert server.paths == ["/v1/responses"]


async def test_state_of_a_server_ends_with_its_endpoint() -> None:
    client = ModelClient()
    async with run_fake_openai_server(lambda _: make_refusal("no", param="temperature")) as server:
        endpoint = Endpoint(server.endpoint.base_url, "sk-other")
        gone = weakref.ref(endpoint)
        with pytest.raises(UpstreamRejected):
            await client.complete(
                [make_resolved_model(endpoint)], make_model_request(), make_fake_turn()
            )
        server.responder = respond_done
        await client.complete(
            [make_resolved_model(endpoint)], make_model_request(), make_fake_turn()
        )
        await endpoint.close()
    del endpoint
    gc.collect()

    assert gone() is None


def test_number_of_remembered_rejected_extras_is_limited() -> None:
    states = ModelStates()
    states.add_rejected_extras(
        frozenset(number.to_bytes(4) for number in range(MAX_REJECTED_EXTRAS + 1))
    )
    states.add_rejected_extras(frozenset({b"last"}))

    assert states.rejected_extras == {b"last"}


def test_rejected_extras_that_a_call_began_with_do_not_change() -> None:
    states = ModelStates()
    states.add_rejected_extras(frozenset({b"first"}))
    before = states.rejected_extras
    states.add_rejected_extras(frozenset({b"second"}))

    assert before == {b"first"}
    assert states.rejected_extras == {b"first", b"second"}
