"""What is done about models that fail, over the real SDK and a real socket."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from assistant.src.core.errors import EmptyAnswer, LeftAlone, NotServed
from assistant.src.messages.item import Item
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.endpoint import Endpoint
from assistant.src.services.models.served import ServedModel
from assistant.tests.model_on_the_loop import model_on_the_loop
from assistant.tests.services.models.model_harness import (
    complete_chain,
    complete_own,
    fake_turn,
    model_request,
    models_asked,
    served_model,
)
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.testing.ports import free_port
from smart_kit.testing.scripted_model import Answer, ScriptedModel, cuts, fails, hangs, says, sends


@pytest.fixture
async def endpoint_on_the_loop(model: ScriptedModel) -> AsyncIterator[Endpoint]:
    """Of the model where the clock is virtual."""
    async with model_on_the_loop(model) as url:
        made = Endpoint(url, "sk-test")
        yield made
        await made.close()


async def test_a_request_is_what_every_server_takes(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.expect("Hello!", "Hello!")
    await complete_own(endpoint)
    await complete_own(endpoint, asked=model_request(functions=()))

    assert model.asked[0].body.keys() == {"model", "tools", "messages"}
    assert model.asked[1].body.keys() == {"model", "messages"}
    assert model.asked[0].headers["authorization"] == "Bearer sk-test"
    assert model.asked[0].headers["content-type"] == "application/json"


async def test_a_good_answer_tells_its_tokens(endpoint: Endpoint, model: ScriptedModel) -> None:
    model.expect("Hello!")
    completion = await complete_own(endpoint)

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
    endpoint: Endpoint, model: ScriptedModel, failure: Answer
) -> None:
    model.expect(failure, failure, "Hello!")

    assert (await complete_own(endpoint)).text == "Hello!"


async def test_three_tries_are_enough(endpoint: Endpoint, model: ScriptedModel) -> None:
    model.expect(*[fails(500)] * 3)

    with pytest.raises(UpstreamUnavailable):
        await complete_own(endpoint)
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
    endpoint: Endpoint, model: ScriptedModel, failure: Answer
) -> None:
    model.expect(failure)

    with pytest.raises(UpstreamRejected):
        await complete_own(endpoint)
    assert len(model.asked) == 1

    model.expect(failure, "From the other.")
    assert (await complete_own(endpoint, fallback="other")).model == "other"


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    nowhere = Endpoint(f"http://127.0.0.1:{free_port()}/v1", "sk")

    with pytest.raises(UpstreamUnavailable):
        await complete_own(nowhere)
    await nowhere.close()


@pytest.mark.clock("virtual")
async def test_a_silent_model_is_given_up_at_the_deadline(
    endpoint_on_the_loop: Endpoint, model: ScriptedModel
) -> None:
    model.expect(hangs())
    clock = asyncio.get_running_loop().time
    started = clock()

    with pytest.raises(UpstreamUnavailable, match="No answer within 60 s"):
        await complete_own(endpoint_on_the_loop, seconds=60)
    assert clock() - started == pytest.approx(60, abs=0.1)


async def test_what_the_server_asks_us_to_wait_is_waited(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.expect(fails(429, None, retry_after_ms="300"), "Hello!")
    started = time.monotonic()
    await complete_own(endpoint)

    assert time.monotonic() - started >= 0.3


async def test_nobody_waits_beyond_the_deadline_but_falls_back(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.expect(fails(429, None, retry_after="3600"), "From the other.")

    assert (await complete_own(endpoint, fallback="other")).model == "other"
    assert models_asked(model) == ["own", "other"]


@pytest.mark.clock("virtual")
async def test_a_silent_model_leaves_time_for_the_other(
    endpoint_on_the_loop: Endpoint, model: ScriptedModel
) -> None:
    model.expect(hangs(), "From the other.")
    clock = asyncio.get_running_loop().time
    started = clock()
    completion = await complete_own(endpoint_on_the_loop, fallback="other", seconds=6)

    assert completion.model == "other"
    assert clock() - started == pytest.approx(3, abs=0.1)


async def test_a_model_that_is_down_is_left_alone_for_the_rest_of_the_turn(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.expect(*[fails(500)] * 3, "One.", "Two.")
    chain = [served_model(endpoint, "own"), served_model(endpoint, "other")]
    asking, turn = ModelClient(), fake_turn()
    first, second = [await asking.complete(chain, model_request(), turn) for _ in range(2)]

    assert models_asked(model) == ["own"] * 3 + ["other"] * 2
    assert [one.model for one in first.failures] == ["own"] * 3
    assert {one.reason for one in first.failures} == {"500: a NoneType"}
    assert [one.reason for one in second.failures] == ["It has failed before: nobody asked it"]


async def test_that_nobody_was_asked_is_noted_once_where_all_are_left_alone(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    turn, failures = fake_turn(models_down={"own"}), list[ModelFailure]()
    for _ in range(2):
        with pytest.raises(LeftAlone):
            await ModelClient().complete([served_model(endpoint)], model_request(), turn, failures)

    assert [(one.model, one.reason) for one in failures] == [
        ("own", "It has failed before: nobody asked it")
    ]
    assert model.asked == []


async def test_an_empty_answer_is_asked_for_once_more(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.expect(says(None), "Hello!")
    assert (await complete_own(endpoint)).text == "Hello!"

    model.expect(says(""), says(" \n"))
    with pytest.raises(EmptyAnswer):
        await complete_own(endpoint)


@pytest.mark.parametrize("may_call", [True, False])
async def test_a_model_that_takes_no_tools_is_offered_none(
    endpoint: Endpoint, model: ScriptedModel, may_call: bool
) -> None:
    model.expect("Hello!")
    without = served_model(endpoint, capabilities=frozenset())
    await complete_chain(without, asked=model_request(may_call=may_call))

    assert model.asked[0].body.keys() == {"model", "messages"}


async def test_a_model_that_nobody_serves_is_passed_over(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    gone = ServedModel(name="gone", problem="no active model has this name")
    model.expect("Hello!")
    completion = await complete_chain(gone, served_model(endpoint))

    assert completion.model == "own"
    assert [(one.model, one.reason) for one in completion.failures] == [("gone", gone.problem)]
    with pytest.raises(NotServed, match="no active model"):
        await complete_chain(gone)
    with pytest.raises(NotServed, match="No model is configured"):
        await complete_chain()


async def test_two_models_of_one_name_at_two_providers_have_each_their_own_breaker(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.expect(*[fails(404)] * 5, "Hello!")
    asking = ModelClient()
    for _ in range(5):
        with pytest.raises(UpstreamRejected):
            await asking.complete([served_model(endpoint)], model_request(), fake_turn())
    elsewhere = served_model(endpoint, provider="another")

    assert (await asking.complete([elsewhere], model_request(), fake_turn())).provider == "another"


async def test_a_corrected_address_or_key_is_asked_at_once(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    no_money = fails(402, {"error": {"message": "Insufficient Balance"}})
    model.expect(no_money, "From the other.", "Hello!")
    asking, other = ModelClient(), served_model(endpoint, "other")
    await asking.complete([served_model(endpoint), other], model_request(), fake_turn())
    corrected = Endpoint(endpoint.base_url, "sk-new")

    completion = await asking.complete(
        [served_model(corrected), other], model_request(), fake_turn()
    )
    await corrected.close()
    assert completion.model == "own"


class TestPrefix:
    async def test_stays_the_same_while_the_conversation_grows(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.expect("One.", "Two.", "Three.")
        asking, items = ModelClient(), [Item('{"role":"user","content":"hi"}')]
        for _ in range(3):
            completion = await asking.complete(
                [served_model(endpoint)], model_request(*items), fake_turn()
            )
            items += [completion.item, Item('{"role":"user","content":"and?"}')]

        for earlier, later in pairwise(model.asked):
            assert later.raw.startswith(earlier.raw.removesuffix(b"]}"))
