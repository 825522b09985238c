"""The Responses API, asked statelessly: whole and streamed, its refusals, its words to itself."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from assistant.src.core.errors import (
    ContextTooLong,
    EmptyAnswer,
    NotServed,
)
from assistant.src.messages.item import tool_item
from assistant.src.services.models.client import ModelClient
from assistant.tests.services.models.model_harness import (
    QUESTION,
    fake_turn,
    model_request,
    served_model,
)
from assistant.tests.services.models.openai_compatible_server import (
    HttpAnswer,
    JsonObject,
    delta,
    in_turn,
    refuses,
    running_server,
    stream,
)
from assistant.tests.services.models.responses_api_server import (
    CALL,
    THOUGHT,
    WHOLE_AND_STREAMED,
    answers,
    ask,
    message,
)
from smart_kit.errors import UpstreamUnavailable


@WHOLE_AND_STREAMED
async def test_a_turn_with_a_tool_goes_back_as_the_model_wrote_it(more: Sequence[str]) -> None:
    respond = in_turn(
        answers(THOUGHT, message("", phase="commentary"), CALL), answers(message("Done."))
    )
    async with running_server(respond) as server:
        first = await ask(server, more=more)
        (call,) = first.calls
        items = [QUESTION, first.item, tool_item(call.id, "4")]
        last = await ask(server, *items, more=more)

    assert (call.name, call.arguments) == ("f", {"a": 1})
    assert last.text == "Done."
    assert (last.prompt_tokens, last.cached_tokens, last.completion_tokens) == (20, 16, 7)
    assert server.paths == ["/v1/responses"] * 2
    asked = server.asked[1]
    assert asked["instructions"] == "s"
    assert asked["tools"][0].keys() == {"type", "name", "description", "parameters", "strict"}
    assert asked["input"] == [
        {"role": "user", "content": "hi"},
        THOUGHT,
        message("", phase="commentary"),
        CALL,
        {"type": "function_call_output", "call_id": "call_Qx81kK", "output": "4"},
    ]


async def test_to_another_model_goes_what_everybody_understands() -> None:
    async with running_server(answers(THOUGHT, message("Let me see."), CALL)) as server:
        first = await ask(server)
        items = [QUESTION, first.item, tool_item(first.calls[0].id, "4")]
        other = served_model(server.endpoint, "other", api="responses")
        server.respond = answers(message("Done."))
        await ModelClient().complete([other], model_request(*items), fake_turn())
        chat = served_model(server.endpoint, "chat")
        server.respond = lambda _: HttpAnswer('{"choices": [{"message": {"content": "Done."}}]}')
        await ModelClient().complete([chat], model_request(*items), fake_turn())

    own_id = first.calls[0].id
    assert server.asked[1]["input"][1:] == [
        {"role": "assistant", "content": "Let me see."},
        {"type": "function_call", "call_id": own_id, "name": "f", "arguments": '{"a":1}'},
        {"type": "function_call_output", "call_id": own_id, "output": "4"},
    ]
    assert [one["role"] for one in server.asked[2]["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    assert "encrypted_content" not in str(server.asked[2])


BROKEN = [
    (400, {"error": {"code": "invalid_encrypted_content", "message": "could not be verified"}}),
    (404, {"error": {"message": "Item with id 'rs_1' not found. Items are not persisted when…"}}),
    (400, {"error": {"message": "No tool output found for function call call_Qx81kK."}}),
    (
        400,
        {"error": {"message": "Item 'rs_1' was provided without its required following item."}},
    ),
]


@pytest.mark.parametrize(("status", "body"), BROKEN, ids=str)
async def test_words_that_it_can_no_longer_read_are_left_out_and_not_sent_again(
    status: int, body: JsonObject
) -> None:
    client = ModelClient()
    async with running_server(answers(THOUGHT, CALL)) as server:
        first = await ask(server, client=client)
        items = [QUESTION, first.item, tool_item(first.calls[0].id, "4")]
        server.respond = lambda asked: (
            refuses(status, body) if "rs_1" in str(asked) else answers(message("Done."))(asked)
        )
        completions = [await ask(server, *items, client=client) for _ in range(2)]

    assert [one.text for one in completions] == ["Done.", "Done."]
    assert len(server.asked) == 4
    outputs = [one for one in server.asked[3]["input"] if one.get("type") == "function_call_output"]
    assert [one["call_id"] for one in outputs] == [first.calls[0].id]


@WHOLE_AND_STREAMED
async def test_an_incomplete_answer_is_a_text_and_no_call(more: Sequence[str]) -> None:
    cut = {"incomplete_details": {"reason": "max_output_tokens"}, "status": "incomplete"}
    async with running_server(answers(message("Once upon"), **cut)) as server:
        said = await ask(server, more=more)
        server.respond = answers(CALL, **cut)
        called = await ask(server, more=more)

    assert said.text == "Once upon"
    assert "cut off" in called.calls[0].problem
    assert not called.added


@WHOLE_AND_STREAMED
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "context_length_exceeded", "message": "x"}, ContextTooLong),
        ({"code": "credit_balance_exhausted", "message": "x"}, NotServed),
    ],
)
async def test_a_failed_answer_is_what_its_error_says(
    error: JsonObject, kind: type[Exception], more: Sequence[str]
) -> None:
    async with running_server(answers(status="failed", error=error)) as server:
        with pytest.raises(kind):
            await ask(server, more=more)


@WHOLE_AND_STREAMED
async def test_a_failure_that_passes_is_asked_again(more: Sequence[str]) -> None:
    failed = answers(status="failed", error={"code": "server_error", "message": "x"})
    async with running_server(in_turn(failed, answers(message("Done.")))) as server:
        assert (await ask(server, more=more)).text == "Done."


@WHOLE_AND_STREAMED
async def test_a_refusal_is_an_answer_and_nothing_is_none(more: Sequence[str]) -> None:
    content = [{"type": "refusal", "refusal": "I will not."}]
    async with running_server(answers(message("") | {"content": content})) as server:
        assert (await ask(server, more=more)).text == "I will not."
        server.respond = answers(THOUGHT)
        with pytest.raises(EmptyAnswer):
            await ask(server, more=more)


def said_twice(last: str, **more: Any) -> tuple[JsonObject, JsonObject]:
    first = message("Let me look.") | {"id": "msg_0", "phase": "commentary"}
    return first, message(last, **more)


@WHOLE_AND_STREAMED
async def test_the_final_answer_is_the_text_and_of_others_none_is_glued_to_the_next(
    more: Sequence[str],
) -> None:
    async with running_server(answers(*said_twice("It is 5.", phase="final_answer"))) as server:
        final = await ask(server, more=more)
        server.respond = answers(*said_twice("It is 5."))
        unnamed = await ask(server, more=more)

    assert final.text == "It is 5."
    assert unnamed.text == "Let me look.\n\nIt is 5."


async def test_a_growing_answer_is_parted_as_the_whole_one() -> None:
    texts: list[str] = []

    class Heard:
        is_due = True

        async def text_grows(self, text: str) -> None:
            texts.append(text)

    def delta_of(place: int, text: str) -> JsonObject:
        return {"type": "response.output_text.delta", "output_index": place, "delta": text}

    def begun(place: int, **more: Any) -> JsonObject:
        item = {"type": "message", **more}
        return {"type": "response.output_item.added", "output_index": place, "item": item}

    whole = {"status": "completed", "output": [message("It is 5.")]}
    end = {"type": "response.completed", "response": whole}
    for phase, last in (("final_answer", "It is 5."), (None, "Let me look.\n\nIt is 5.")):
        texts.clear()
        events = [begun(0), delta_of(0, "Let me look."), begun(1, phase=phase)]
        events += [delta_of(1, "It is"), delta_of(1, " 5."), end]
        async with running_server(lambda _, sent=events: stream(sent, is_done=False)) as server:
            await ask(server, more=["streaming"], listener=Heard())
        assert texts[-1] == last


@WHOLE_AND_STREAMED
async def test_an_answer_nested_too_deeply_is_none_though_it_could_be_read(
    more: Sequence[str],
) -> None:
    deep: Any = "x"
    for _ in range(70):
        deep = [deep]
    async with running_server(answers(message("Hi."), THOUGHT | {"summary": deep})) as server:
        with pytest.raises(UpstreamUnavailable, match="nested"):
            await ask(server, more=more)


async def test_parameters_go_by_its_own_names_and_are_learnt_too() -> None:
    def respond(body: JsonObject) -> HttpAnswer:
        if "temperature" in body:
            error = {"param": "temperature", "code": "unsupported_parameter"}
            return refuses(400, {"error": error})
        return answers(message("Done."))(body)

    async with running_server(respond) as server:
        model = served_model(
            server.endpoint, "m", api="responses", parameters={"reasoning_effort": "low"}
        )
        overrides = {"max_tokens": 50, "temperature": 0.5}
        asked = model_request(overrides=overrides, may_call=False)
        await ModelClient().complete([model], asked, fake_turn())

    sent = server.asked[1]
    assert (sent["reasoning"], sent["max_output_tokens"]) == ({"effort": "low"}, 50)
    assert sent["tool_choice"] == "none"
    assert sent.keys().isdisjoint({"temperature", "max_tokens", "reasoning_effort"})


@pytest.mark.parametrize("body", [{}, [], "text", {"output": "x"}, delta(content="chat")], ids=str)
async def test_what_is_no_answer_is_tried_again(body: Any) -> None:
    async with running_server(lambda _: HttpAnswer(json.dumps(body))) as server:
        with pytest.raises(UpstreamUnavailable):
            await ask(server)
        assert len(server.asked) == 3
