"""What is learnt of a model's refusals, for whom, and that it comes to an end."""

import gc
import json
import weakref
from typing import Any

import pytest

from assistant.src.messages.item import Item, tool_item
from assistant.src.services.models.breaker import FAILURES
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.endpoint import Endpoint
from assistant.src.services.models.own_words import MOST_UNREAD, UnreadWords
from assistant.tests.services.models.model_harness import (
    QUESTION,
    fake_turn,
    model_request,
    served_model,
)
from assistant.tests.services.models.openai_compatible_server import (
    HttpAnswer,
    JsonObject,
    Respond,
    refuses,
    running_server,
    whole,
)
from smart_kit.errors import UpstreamError, UpstreamRejected

pytestmark = pytest.mark.clock("virtual")

CALL = {"id": "abcdefghi", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": "", "tool_calls": [CALL]}
FOREIGN = (QUESTION, Item.of(CALLED), tool_item("abcdefghi", "r"))
"""Calls of another model, which has added nothing."""


def done(body: JsonObject) -> HttpAnswer:
    return whole({"content": "Done."})


def refusing(message: str, status: int = 400, **more: Any) -> HttpAnswer:
    return refuses(status, {"error": {"message": message, **more}})


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
async def test_a_refusal_that_stays_whatever_is_sent_ends_and_teaches_nothing(
    sentence: str, most: int
) -> None:
    client = ModelClient()
    async with running_server(lambda _: refusing(sentence)) as server:
        for _ in range(2):
            before = len(server.asked)
            asked = model_request(*FOREIGN, overrides={"temperature": 0.5})
            with pytest.raises(UpstreamRejected):
                await client.complete([served_model(server.endpoint)], asked, fake_turn())
            assert len(server.asked) - before <= most
        server.respond = done
        await client.complete(
            [served_model(server.endpoint)],
            model_request(overrides={"temperature": 0.5}),
            fake_turn(),
        )

    assert server.asked[-1]["temperature"] == 0.5


async def test_a_server_that_refuses_one_parameter_after_the_other_is_given_up() -> None:
    parameters = {f"own_{letter}": 1 for letter in "abcdefghijklmnopqrst"}

    def respond(body: JsonObject) -> HttpAnswer:
        return refusing("no", param=next(name for name in body if name.startswith("own_")))

    async with running_server(respond) as server:
        model = served_model(server.endpoint, parameters=parameters)
        with pytest.raises(UpstreamRejected):
            await ModelClient().complete([model], model_request(), fake_turn())

    assert len(server.asked) == 13


async def test_what_is_missed_at_words_without_calls_is_added_there_too() -> None:
    def strict(body: JsonObject) -> HttpAnswer:
        for at, message in enumerate(body["messages"]):
            if message["role"] == "assistant" and "reasoning_content" not in message:
                return refusing(f"Missing `reasoning_content` field at index {at}")
        return done(body)

    words = Item.of({"role": "assistant", "content": "Yes."})
    client = ModelClient()
    async with running_server(strict) as server:
        for _ in range(2):
            asked = model_request(*FOREIGN, words, QUESTION)
            completion = await client.complete([served_model(server.endpoint)], asked, fake_turn())

    assert completion.text == "Done."
    assert len(server.asked) == 4  # the second time it is known


class TestOfWhom:
    async def test_a_value_that_is_too_much_is_no_reason_to_leave_out_others(self) -> None:
        def respond(body: JsonObject) -> HttpAnswer:
            for name in ("max_tokens", "max_completion_tokens"):
                if body.get(name, 0) > 16_384:
                    sentence = f"{name} is too large: 200000. At most 16384 tokens are supported"
                    return refusing(sentence, param=name, code="invalid_value")
            return done(body)

        client = ModelClient()
        async with running_server(respond) as server:
            for most in (200_000, 50, 200_000):
                asked = model_request(overrides={"max_tokens": most})
                await client.complete([served_model(server.endpoint)], asked, fake_turn())

        sent = [(one.get("max_tokens"), one.get("max_completion_tokens")) for one in server.asked]
        assert sent == [(200_000, None), (None, 200_000), (None, None), (50, None), (None, None)]

    async def test_a_parameter_that_is_not_taken_at_all_is_left_out_for_all(self) -> None:
        def respond(body: JsonObject) -> HttpAnswer:
            detail = [{"type": "extra_forbidden", "loc": ["body", "temperature"]}]
            return refuses(422, {"detail": detail}) if "temperature" in body else done(body)

        client = ModelClient()
        async with running_server(respond) as server:
            for temperature in (0.5, 0.7):
                asked = model_request(overrides={"temperature": temperature})
                await client.complete([served_model(server.endpoint)], asked, fake_turn())

        assert len(server.asked) == 3

    async def test_a_persons_words_that_are_quoted_teach_nothing(self) -> None:
        """Though without the parameter it goes well by chance."""
        words = "what is a bad temperature for\nbread"
        person = Item.of({"role": "user", "content": words})
        answers = [refusing(f"bad request: {words!s}"), done({})]
        client = ModelClient()
        async with running_server(lambda body: answers.pop(0) if answers else done(body)) as server:
            asked = model_request(person, overrides={"temperature": 0.5})
            with pytest.raises(UpstreamRejected):
                await client.complete([served_model(server.endpoint)], asked, fake_turn())

        assert len(server.asked) == 1

    async def test_a_sentence_alone_is_believed_for_the_value_that_was_sent(self) -> None:
        answers = [refusing("temperature: not this one"), done({}), done({})]
        client = ModelClient()
        async with running_server(lambda _: answers.pop(0)) as server:
            for temperature in (0.5, 0.7):
                asked = model_request(overrides={"temperature": temperature})
                await client.complete([served_model(server.endpoint)], asked, fake_turn())

        assert [one.get("temperature") for one in server.asked] == [0.5, None, 0.7]


def thinking(body: JsonObject) -> HttpAnswer:
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    return whole({"content": None, "reasoning_content": "sealed", "tool_calls": [call]})


def no_longer(refusal: HttpAnswer) -> Respond:
    return lambda body: refusal if "sealed" in json.dumps(body) else done(body)


@pytest.mark.parametrize(
    "refusal",
    [
        refusing("Invalid `signature` in `thinking` block"),
        refusing("messages.1: invalid", param="messages.1.content"),
        refusing("unprocessable", status=422),
    ],
    ids=lambda sent: str(sent.body)[:50],
)
async def test_own_additions_that_are_no_longer_taken_are_left_out_and_not_sent_again(
    refusal: HttpAnswer,
) -> None:
    client = ModelClient()
    async with running_server(thinking) as server:
        model = served_model(server.endpoint)
        first = await client.complete([model], model_request(), fake_turn())
        items = [QUESTION, first.item, tool_item(first.calls[0].id, "r")]
        server.respond = no_longer(refusal)
        said = [
            await client.complete([model], model_request(*items), fake_turn()) for _ in range(2)
        ]

    assert [one.text for one in said] == ["Done.", "Done."]
    assert len(server.asked) == 1 + 2 + 1


async def test_a_refusal_that_had_nothing_to_do_with_its_additions_leaves_them() -> None:
    client = ModelClient()
    async with running_server(thinking) as server:
        model = served_model(server.endpoint)
        first = await client.complete([model], model_request(), fake_turn())
        items = [QUESTION, first.item, tool_item(first.calls[0].id, "r")]
        server.respond = lambda _: refusing("flagged")
        with pytest.raises(UpstreamRejected):
            await client.complete([model], model_request(*items), fake_turn())
        server.respond = done
        await client.complete([model], model_request(*items), fake_turn())

    assert "sealed" not in json.dumps(server.asked[2])
    assert "sealed" in json.dumps(server.asked[3])


def chat_only(body: JsonObject) -> HttpAnswer:
    return refuses(404, {"error": {"message": "no such path"}}) if "input" in body else done(body)


async def test_failures_by_one_api_leave_the_other_alone() -> None:
    client = ModelClient()
    async with running_server(chat_only) as server:
        model = served_model(server.endpoint, api="responses")
        for _ in range(FAILURES + 1):
            with pytest.raises(UpstreamError):
                await client.complete([model], model_request(), fake_turn())
        completion = await client.complete([model], model_request(api="chat"), fake_turn())

    assert completion.text == "Done."


class TestAnApiThatTheServerDoesNotHave:
    @pytest.mark.parametrize("status", [404, 405])
    async def test_is_asked_for_once_and_then_that_of_the_models_record(self, status: int) -> None:
        client, paths = ModelClient(), []
        respond: Respond = lambda body: refuses(status, "no") if "input" in body else done(body)  # noqa: E731
        async with running_server(respond) as server:
            for parameters in ({}, {}, {"seed": 1}):
                model = served_model(server.endpoint, parameters=parameters)
                completion = await client.complete(
                    [model], model_request(api="responses"), fake_turn()
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
        async with running_server(
            lambda _: refuses(404, {"error": {"code": "model_not_found"}})
        ) as server:
            for _ in range(2):
                with pytest.raises(UpstreamRejected):
                    await client.complete(
                        [served_model(server.endpoint)], model_request(api="responses"), fake_turn()
                    )

        assert [path.rpartition("/")[2] for path in server.paths] == [
            "responses",
            "completions",
        ] * 2

    async def test_is_no_reason_to_ask_by_another_where_the_record_names_it(self) -> None:
        async with running_server(chat_only) as server:
            model = served_model(server.endpoint, api="responses")
            with pytest.raises(UpstreamRejected):
                await ModelClient().complete([model], model_request(api="responses"), fake_turn())

        assert server.paths == ["/v1/responses"]


async def test_what_is_known_of_a_server_goes_with_it() -> None:
    client = ModelClient()
    async with running_server(lambda _: refusing("no", param="temperature")) as server:
        endpoint = Endpoint(server.endpoint.base_url, "sk-other")
        gone = weakref.ref(endpoint)
        with pytest.raises(UpstreamRejected):
            await client.complete([served_model(endpoint)], model_request(), fake_turn())
        server.respond = done
        await client.complete([served_model(endpoint)], model_request(), fake_turn())
        await endpoint.close()
    del endpoint
    gc.collect()

    assert gone() is None


def test_of_messages_that_are_not_read_so_many_are_remembered() -> None:
    unread = UnreadWords()
    unread.add([number.to_bytes(4) for number in range(MOST_UNREAD + 1)])
    unread.add([b"last"])

    assert unread | () == {b"last"}
