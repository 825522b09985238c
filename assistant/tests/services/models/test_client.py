"""How the client handles models that fail, over the real SDK and a real socket."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from assistant.src.core.errors import CircuitOpen, EmptyResponse, ModelNotAccessible
from assistant.src.messages.item import ChatItem
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.model_registry import ResolvedModel
from assistant.src.services.models.transport.endpoint import Endpoint
from assistant.tests.async_model_server import serve_model
from assistant.tests.services.models.model_harness import (
    complete_chain,
    complete_own_model,
    get_requested_models,
    make_fake_turn,
    make_model_request,
    make_resolved_model,
)
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.testing.ports import free_port
from smart_kit.testing.scripted_model import (
    ScriptedModel,
    ScriptedResponse,
    make_error_response,
    make_hanging_response,
    make_response,
    make_text_response,
    make_truncated_response,
)


@pytest.fixture
async def async_endpoint(model: ScriptedModel) -> AsyncIterator[Endpoint]:
    """An endpoint of the model for tests with a virtual clock."""
    async with serve_model(model) as url:
        made = Endpoint(url, "sk-test")
        yield made
        await made.close()


async def test_request_has_the_form_that_every_server_accepts(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.add_steps("Hello!", "Hello!")
    await complete_own_model(endpoint)
    await complete_own_model(endpoint, request=make_model_request(functions=()))

    assert model.requests[0].body.keys() == {"model", "tools", "messages"}
    assert model.requests[1].body.keys() == {"model", "messages"}
    assert model.requests[0].headers["authorization"] == "Bearer sk-test"
    assert model.requests[0].headers["content-type"] == "application/json"


async def test_completion_has_the_token_usage(endpoint: Endpoint, model: ScriptedModel) -> None:
    model.add_steps("Hello!")
    completion = await complete_own_model(endpoint)

    assert (completion.text, completion.model) == ("Hello!", "own")
    assert (completion.prompt_tokens, completion.completion_tokens) == (10, 5)


@pytest.mark.parametrize(
    "failure",
    [
        make_error_response(500, {"error": {"message": "boom"}}),
        make_error_response(503, {"error": "busy"}),
        make_error_response(529, b"overloaded"),
        make_error_response(408),
        make_error_response(409, {"error": {"code": "conversation_locked"}}),
        make_error_response(429, {"error": {"code": "rate_limit_exceeded"}}),
        make_error_response(500, [{"error": {"code": 500, "message": "internal"}}]),
        make_truncated_response(),
        make_response(b"<html>oops</html>", "text/html"),
        make_response(b'{"choices": [', "application/json"),
        make_response({"choices": None}),
        make_response({"choices": []}),
        make_response({"error": {"code": 502, "message": "upstream"}}),
        make_response({"choices": [{"message": {"tool_calls": "none"}}]}),
        make_response([]),
        make_response("text"),
        make_response(b"null"),
    ],
    ids=str,
)
async def test_temporary_errors_are_retried(
    endpoint: Endpoint, model: ScriptedModel, failure: ScriptedResponse
) -> None:
    model.add_steps(failure, failure, "Hello!")

    assert (await complete_own_model(endpoint)).text == "Hello!"


async def test_at_most_three_attempts_are_made(endpoint: Endpoint, model: ScriptedModel) -> None:
    model.add_steps(*[make_error_response(500)] * 3)

    with pytest.raises(UpstreamUnavailable):
        await complete_own_model(endpoint)
    assert len(model.requests) == 3


@pytest.mark.parametrize(
    "failure",
    [
        make_error_response(401, {"error": {"code": "invalid_api_key"}}),
        make_error_response(402, {"error": {"message": "Insufficient Balance"}}),
        make_error_response(403, {"error": {"message": "region"}}),
        make_error_response(404, {"error": {"code": "model_not_found"}}),
        make_error_response(404, b"<html>nothing here</html>"),
        make_error_response(
            429, {"error": {"type": "insufficient_quota", "code": "credit_balance_exhausted"}}
        ),
        make_error_response(400, {"error": {"message": "invalid image", "param": "messages"}}),
        make_response({"error": {"code": 402, "message": "no credits"}}),
    ],
    ids=str,
)
async def test_permanent_errors_are_not_retried(
    endpoint: Endpoint, model: ScriptedModel, failure: ScriptedResponse
) -> None:
    model.add_steps(failure)

    with pytest.raises(UpstreamRejected):
        await complete_own_model(endpoint)
    assert len(model.requests) == 1

    model.add_steps(failure, "From the other.")
    assert (await complete_own_model(endpoint, fallback="other")).model == "other"


async def test_unreachable_server_is_unavailable() -> None:
    nowhere = Endpoint(f"http://127.0.0.1:{free_port()}/v1", "sk")

    with pytest.raises(UpstreamUnavailable):
        await complete_own_model(nowhere)
    await nowhere.close()


@pytest.mark.clock("virtual")
async def test_silent_model_fails_at_the_deadline(
    async_endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.add_steps(make_hanging_response())
    clock = asyncio.get_running_loop().time
    started = clock()

    with pytest.raises(UpstreamUnavailable, match="No answer within 60 s"):
        await complete_own_model(async_endpoint, seconds=60)
    assert clock() - started == pytest.approx(60, abs=0.1)


async def test_retry_waits_as_long_as_the_server_asks(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.add_steps(make_error_response(429, None, retry_after_ms="300"), "Hello!")
    started = time.monotonic()
    await complete_own_model(endpoint)

    assert time.monotonic() - started >= 0.3


async def test_wait_beyond_the_deadline_becomes_a_fallback(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.add_steps(make_error_response(429, None, retry_after="3600"), "From the other.")

    assert (await complete_own_model(endpoint, fallback="other")).model == "other"
    assert get_requested_models(model) == ["own", "other"]


@pytest.mark.clock("virtual")
async def test_silent_model_leaves_time_for_the_fallback(
    async_endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.add_steps(make_hanging_response(), "From the other.")
    clock = asyncio.get_running_loop().time
    started = clock()
    completion = await complete_own_model(async_endpoint, fallback="other", seconds=6)

    assert completion.model == "other"
    assert clock() - started == pytest.approx(3, abs=0.1)


async def test_unavailable_model_is_not_called_again_in_the_turn(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.add_steps(*[make_error_response(500)] * 3, "One.", "Two.")
    chain = [make_resolved_model(endpoint, "own"), make_resolved_model(endpoint, "other")]
    client, turn = ModelClient(), make_fake_turn()
    first, second = [await client.complete(chain, make_model_request(), turn) for _ in range(2)]

    assert get_requested_models(model) == ["own"] * 3 + ["other"] * 2
    assert [one.model for one in first.failures] == ["own"] * 3
    assert {one.reason for one in first.failures} == {"500: a NoneType"}
    assert [one.reason for one in second.failures] == ["Not called: it has failed before"]


async def test_skipped_models_are_recorded_once(endpoint: Endpoint, model: ScriptedModel) -> None:
    turn, failures = make_fake_turn(models_down={"own"}), list[ModelFailure]()
    for _ in range(2):
        with pytest.raises(CircuitOpen):
            await ModelClient().complete(
                [make_resolved_model(endpoint)], make_model_request(), turn, failures
            )

    assert [(one.model, one.reason) for one in failures] == [
        ("own", "Not called: it has failed before")
    ]
    assert model.requests == []


async def test_empty_answer_is_retried_once(endpoint: Endpoint, model: ScriptedModel) -> None:
    model.add_steps(make_text_response(None), "Hello!")
    assert (await complete_own_model(endpoint)).text == "Hello!"

    model.add_steps(make_text_response(""), make_text_response(" \n"))
    with pytest.raises(EmptyResponse):
        await complete_own_model(endpoint)


@pytest.mark.parametrize("may_call", [True, False])
async def test_model_without_tools_gets_no_functions(
    endpoint: Endpoint, model: ScriptedModel, may_call: bool
) -> None:
    model.add_steps("Hello!")
    without = make_resolved_model(endpoint, capabilities=frozenset())
    await complete_chain(without, request=make_model_request(may_call_tools=may_call))

    assert model.requests[0].body.keys() == {"model", "messages"}


async def test_model_without_an_endpoint_is_skipped(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    gone = ResolvedModel(name="gone", unavailable_reason="no active model has this name")
    model.add_steps("Hello!")
    completion = await complete_chain(gone, make_resolved_model(endpoint))

    assert completion.model == "own"
    assert [(one.model, one.reason) for one in completion.failures] == [
        ("gone", gone.unavailable_reason)
    ]
    with pytest.raises(ModelNotAccessible, match="no active model"):
        await complete_chain(gone)
    with pytest.raises(ModelNotAccessible, match="No model is configured"):
        await complete_chain()


async def test_each_provider_has_its_own_circuit_for_a_model(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.add_steps(*[make_error_response(404)] * 5, "Hello!")
    client = ModelClient()
    for _ in range(5):
        with pytest.raises(UpstreamRejected):
            await client.complete(
                [make_resolved_model(endpoint)], make_model_request(), make_fake_turn()
            )
    elsewhere = make_resolved_model(endpoint, provider="another")

    assert (
        await client.complete([elsewhere], make_model_request(), make_fake_turn())
    ).provider == "another"


async def test_corrected_address_or_key_is_used_at_once(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    no_money = make_error_response(402, {"error": {"message": "Insufficient Balance"}})
    model.add_steps(no_money, "From the other.", "Hello!")
    client, other = ModelClient(), make_resolved_model(endpoint, "other")
    await client.complete(
        [make_resolved_model(endpoint), other], make_model_request(), make_fake_turn()
    )
    corrected = Endpoint(endpoint.base_url, "sk-new")

    completion = await client.complete(
        [make_resolved_model(corrected), other], make_model_request(), make_fake_turn()
    )
    await corrected.close()
    assert completion.model == "own"


class TestPrefix:
    async def test_stays_the_same_while_the_conversation_grows(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.add_steps("One.", "Two.", "Three.")
        client, items = ModelClient(), [ChatItem('{"role":"user","content":"hi"}')]
        for _ in range(3):
            completion = await client.complete(
                [make_resolved_model(endpoint)], make_model_request(*items), make_fake_turn()
            )
            items += [completion.item, ChatItem('{"role":"user","content":"and?"}')]

        for earlier, later in pairwise(model.requests):
            assert later.raw.startswith(earlier.raw.removesuffix(b"]}"))
