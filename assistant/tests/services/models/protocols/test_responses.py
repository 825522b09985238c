"""The Responses API, used statelessly: whole and streamed, refusals, reasoning items."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from assistant.src.core.errors import (
    ContextLengthExceeded,
    EmptyResponse,
    ModelNotAccessible,
)
from assistant.src.messages.item import build_tool_result_item
from assistant.src.services.models.client import ModelClient
from assistant.tests.services.models.fake_openai_server import (
    JsonObject,
    StubResponse,
    make_chunk,
    make_error,
    make_stream,
    respond_in_order,
    run_fake_openai_server,
)
from assistant.tests.services.models.fake_responses_api import (
    FUNCTION_CALL,
    REASONING_ITEM,
    WITH_AND_WITHOUT_STREAMING,
    complete_once,
    make_output_message,
    respond_with_output,
)
from assistant.tests.services.models.model_harness import (
    QUESTION,
    make_fake_turn,
    make_model_request,
    make_resolved_model,
)
from smart_kit.errors import UpstreamUnavailable


@WITH_AND_WITHOUT_STREAMING
async def test_own_output_is_sent_back_unchanged(more: Sequence[str]) -> None:
    respond = respond_in_order(
        respond_with_output(
            REASONING_ITEM, make_output_message("", phase="commentary"), FUNCTION_CALL
        ),
        respond_with_output(make_output_message("Done.")),
    )
    async with run_fake_openai_server(respond) as server:
        first = await complete_once(server, more=more)
        (call,) = first.calls
        items = [QUESTION, first.item, build_tool_result_item(call.id, "4")]
        last = await complete_once(server, *items, more=more)

    assert (call.name, call.arguments) == ("f", {"a": 1})
    assert last.text == "Done."
    assert (last.prompt_tokens, last.cached_tokens, last.completion_tokens) == (20, 16, 7)
    assert server.paths == ["/v1/responses"] * 2
    request = server.requests[1]
    assert request["instructions"] == "s"
    assert request["tools"][0].keys() == {"type", "name", "description", "parameters", "strict"}
    assert request["input"] == [
        {"role": "user", "content": "hi"},
        REASONING_ITEM,
        make_output_message("", phase="commentary"),
        FUNCTION_CALL,
        {"type": "function_call_output", "call_id": "call_Qx81kK", "output": "4"},
    ]


async def test_other_models_get_the_common_form() -> None:
    async with run_fake_openai_server(
        respond_with_output(REASONING_ITEM, make_output_message("Let me see."), FUNCTION_CALL)
    ) as server:
        first = await complete_once(server)
        items = [QUESTION, first.item, build_tool_result_item(first.calls[0].id, "4")]
        other = make_resolved_model(server.endpoint, "other", api="responses")
        server.responder = respond_with_output(make_output_message("Done."))
        await ModelClient().complete([other], make_model_request(*items), make_fake_turn())
        chat = make_resolved_model(server.endpoint, "chat")
        server.responder = lambda _: StubResponse(
            '{"choices": [{"message": {"content": "Done."}}]}'
        )
        await ModelClient().complete([chat], make_model_request(*items), make_fake_turn())

    own_id = first.calls[0].id
    assert server.requests[1]["input"][1:] == [
        {"role": "assistant", "content": "Let me see."},
        {"type": "function_call", "call_id": own_id, "name": "f", "arguments": '{"a":1}'},
        {"type": "function_call_output", "call_id": own_id, "output": "4"},
    ]
    assert [one["role"] for one in server.requests[2]["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    assert "encrypted_content" not in str(server.requests[2])


REJECTED_STATE_ERRORS = [
    (400, {"error": {"code": "invalid_encrypted_content", "message": "could not be verified"}}),
    (404, {"error": {"message": "Item with id 'rs_1' not found. Items are not persisted when…"}}),
    (400, {"error": {"message": "No tool output found for function call call_Qx81kK."}}),
    (
        400,
        {"error": {"message": "Item 'rs_1' was provided without its required following item."}},
    ),
]


@pytest.mark.parametrize(("status", "body"), REJECTED_STATE_ERRORS, ids=str)
async def test_rejected_output_is_omitted_from_then_on(status: int, body: JsonObject) -> None:
    client = ModelClient()
    async with run_fake_openai_server(respond_with_output(REASONING_ITEM, FUNCTION_CALL)) as server:
        first = await complete_once(server, client=client)
        items = [QUESTION, first.item, build_tool_result_item(first.calls[0].id, "4")]
        server.responder = lambda request: (
            make_error(status, body)
            if "rs_1" in str(request)
            else respond_with_output(make_output_message("Done."))(request)
        )
        completions = [await complete_once(server, *items, client=client) for _ in range(2)]

    assert [one.text for one in completions] == ["Done.", "Done."]
    assert len(server.requests) == 4
    outputs = [
        one for one in server.requests[3]["input"] if one.get("type") == "function_call_output"
    ]
    assert [one["call_id"] for one in outputs] == [first.calls[0].id]


@WITH_AND_WITHOUT_STREAMING
async def test_incomplete_answer_has_a_text_but_runs_no_call(more: Sequence[str]) -> None:
    cut = {"incomplete_details": {"reason": "max_output_tokens"}, "status": "incomplete"}
    async with run_fake_openai_server(
        respond_with_output(make_output_message("Once upon"), **cut)
    ) as server:
        said = await complete_once(server, more=more)
        server.responder = respond_with_output(FUNCTION_CALL, **cut)
        called = await complete_once(server, more=more)

    assert said.text == "Once upon"
    assert "cut off" in called.calls[0].error
    assert not called.extras


@WITH_AND_WITHOUT_STREAMING
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "context_length_exceeded", "message": "x"}, ContextLengthExceeded),
        ({"code": "credit_balance_exhausted", "message": "x"}, ModelNotAccessible),
    ],
)
async def test_failed_response_raises_its_error(
    error: JsonObject, kind: type[Exception], more: Sequence[str]
) -> None:
    async with run_fake_openai_server(respond_with_output(status="failed", error=error)) as server:
        with pytest.raises(kind):
            await complete_once(server, more=more)


@WITH_AND_WITHOUT_STREAMING
async def test_temporary_failure_is_retried(more: Sequence[str]) -> None:
    failed = respond_with_output(status="failed", error={"code": "server_error", "message": "x"})
    async with run_fake_openai_server(
        respond_in_order(failed, respond_with_output(make_output_message("Done.")))
    ) as server:
        assert (await complete_once(server, more=more)).text == "Done."


@WITH_AND_WITHOUT_STREAMING
async def test_refusal_is_an_answer_but_an_empty_output_is_not(more: Sequence[str]) -> None:
    content = [{"type": "refusal", "refusal": "I will not."}]
    async with run_fake_openai_server(
        respond_with_output(make_output_message("") | {"content": content})
    ) as server:
        assert (await complete_once(server, more=more)).text == "I will not."
        server.responder = respond_with_output(REASONING_ITEM)
        with pytest.raises(EmptyResponse):
            await complete_once(server, more=more)


def make_two_messages(last: str, **more: Any) -> tuple[JsonObject, JsonObject]:
    first = make_output_message("Let me look.") | {"id": "msg_0", "phase": "commentary"}
    return first, make_output_message(last, **more)


@WITH_AND_WITHOUT_STREAMING
async def test_text_is_the_final_message_or_all_separated(
    more: Sequence[str],
) -> None:
    async with run_fake_openai_server(
        respond_with_output(*make_two_messages("It is 5.", phase="final_answer"))
    ) as server:
        final = await complete_once(server, more=more)
        server.responder = respond_with_output(*make_two_messages("It is 5."))
        unnamed = await complete_once(server, more=more)

    assert final.text == "It is 5."
    assert unnamed.text == "Let me look.\n\nIt is 5."


async def test_streamed_text_is_separated_like_the_whole_one() -> None:
    texts: list[str] = []

    class RecordingListener:
        is_due = True

        def on_text(self, text: str) -> None:
            texts.append(text)

    def make_text_delta(place: int, text: str) -> JsonObject:
        return {"type": "response.output_text.delta", "output_index": place, "delta": text}

    def make_item_added(place: int, **more: Any) -> JsonObject:
        item = {"type": "message", **more}
        return {"type": "response.output_item.added", "output_index": place, "item": item}

    whole = {"status": "completed", "output": [make_output_message("It is 5.")]}
    end = {"type": "response.completed", "response": whole}
    for phase, last in (("final_answer", "It is 5."), (None, "Let me look.\n\nIt is 5.")):
        texts.clear()
        events = [
            make_item_added(0),
            make_text_delta(0, "Let me look."),
            make_item_added(1, phase=phase),
        ]
        events += [make_text_delta(1, "It is"), make_text_delta(1, " 5."), end]
        async with run_fake_openai_server(
            lambda _, sent=events: make_stream(sent, is_done=False)
        ) as server:
            await complete_once(server, more=["streaming"], listener=RecordingListener())
        assert texts[-1] == last


@WITH_AND_WITHOUT_STREAMING
async def test_answer_that_is_nested_too_deeply_is_malformed(
    more: Sequence[str],
) -> None:
    deep: Any = "x"
    for _ in range(70):
        deep = [deep]
    async with run_fake_openai_server(
        respond_with_output(make_output_message("Hi."), REASONING_ITEM | {"summary": deep})
    ) as server:
        with pytest.raises(UpstreamUnavailable, match="nested"):
            await complete_once(server, more=more)


async def test_parameters_are_renamed_and_adapted() -> None:
    def respond(body: JsonObject) -> StubResponse:
        if "temperature" in body:
            error = {"param": "temperature", "code": "unsupported_parameter"}
            return make_error(400, {"error": error})
        return respond_with_output(make_output_message("Done."))(body)

    async with run_fake_openai_server(respond) as server:
        model = make_resolved_model(
            server.endpoint, "m", api="responses", parameters={"reasoning_effort": "low"}
        )
        overrides = {"max_tokens": 50, "temperature": 0.5}
        request = make_model_request(overrides=overrides, may_call_tools=False)
        await ModelClient().complete([model], request, make_fake_turn())

    sent = server.requests[1]
    assert (sent["reasoning"], sent["max_output_tokens"]) == ({"effort": "low"}, 50)
    assert sent["tool_choice"] == "none"
    assert sent.keys().isdisjoint({"temperature", "max_tokens", "reasoning_effort"})


@pytest.mark.parametrize(
    "body", [{}, [], "text", {"output": "x"}, make_chunk(content="chat")], ids=str
)
async def test_malformed_answer_is_retried(body: Any) -> None:
    async with run_fake_openai_server(lambda _: StubResponse(json.dumps(body))) as server:
        with pytest.raises(UpstreamUnavailable):
            await complete_once(server)
        assert len(server.requests) == 3
