"""The cost of failed attempts: what is billed counts in the daily budget."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from assistant.src.core.errors import EmptyResponse
from assistant.src.services.models import attempt
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.model_registry import Prices
from assistant.src.services.models.transport.endpoint import Endpoint
from assistant.tests.services.models.fake_openai_server import (
    StubResponse,
    make_chunk,
    make_completion,
    make_error,
    make_stream,
    respond_in_order,
    run_fake_openai_server,
)
from assistant.tests.services.models.model_harness import (
    FakeBudget,
    make_fake_turn,
    make_model_request,
    make_resolved_model,
)
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError, UpstreamUnavailable
from smart_kit.testing.ports import free_port

pytestmark = pytest.mark.clock("virtual")

PRICES = Prices(Decimal(1), None, Decimal(2))
MILLION = Decimal(1_000_000)
USAGE = {"prompt_tokens": 100, "completion_tokens": 50}
BILLED_COST = 200 / MILLION
EMPTY_COMPLETION = make_completion({"content": None}, "length", usage=USAGE)
DONE_COMPLETION = make_completion({"content": "Done."}, usage=USAGE)
EXPECTED_COST = 207 / MILLION
"""Of the request below: 7 tokens of a prompt, and an answer of 100."""


def make_request(**changes: Any) -> Any:
    given = {"functions": (), "instructions": "", "overrides": {"max_tokens": 100}}
    return make_model_request(**(given | changes))


UNUSABLE_RESPONSES = [
    EMPTY_COMPLETION,
    make_completion({"content": [5], "tool_calls": "none"}, usage=USAGE),
    StubResponse(json.dumps({"choices": [], "usage": USAGE})),
    StubResponse(json.dumps({"choices": "none", "usage": USAGE})),
]


@pytest.mark.parametrize("bad", UNUSABLE_RESPONSES, ids=lambda sent: str(sent.body)[:40])
async def test_unusable_answer_is_billed_with_the_good_one(bad: StubResponse) -> None:
    budget = FakeBudget()
    async with run_fake_openai_server(respond_in_order(bad, DONE_COMPLETION)) as server:
        chain = [make_resolved_model(server.endpoint, prices=PRICES)]
        completion = await ModelClient().complete(
            chain, make_request(), make_fake_turn(budget=budget)
        )

    assert budget.settled == [2 * BILLED_COST]
    assert completion.cost == BILLED_COST
    (failure,) = completion.failures
    assert (failure.prompt_tokens, failure.completion_tokens) == (100, 50)
    assert failure.cost == BILLED_COST


async def test_cost_of_a_failed_model_stays_after_a_fallback() -> None:
    budget = FakeBudget()
    async with run_fake_openai_server(
        respond_in_order(EMPTY_COMPLETION, EMPTY_COMPLETION, DONE_COMPLETION)
    ) as server:
        chain = [
            make_resolved_model(server.endpoint, name, prices=PRICES) for name in ("own", "other")
        ]
        completion = await ModelClient().complete(
            chain, make_request(), make_fake_turn(budget=budget)
        )

    assert completion.model == "other"
    assert budget.reserved == [EXPECTED_COST, 2 * BILLED_COST + EXPECTED_COST]
    assert budget.settled == [2 * BILLED_COST, 3 * BILLED_COST]
    assert completion.cost == BILLED_COST
    assert [(one.model, one.cost) for one in completion.failures] == [("own", BILLED_COST)] * 2


async def test_cost_of_earlier_failures_of_a_step_stays() -> None:
    """It stays under the same key, as for a shortened conversation."""
    budget, failures = FakeBudget(), list[ModelFailure]()
    async with run_fake_openai_server(
        respond_in_order(EMPTY_COMPLETION, EMPTY_COMPLETION, DONE_COMPLETION)
    ) as server:
        chain = [make_resolved_model(server.endpoint, prices=PRICES)]
        with pytest.raises(EmptyResponse):
            await ModelClient().complete(
                chain, make_request(), make_fake_turn(budget=budget), failures
            )
        completion = await ModelClient().complete(
            chain, make_request(), make_fake_turn(budget=budget), failures
        )

    assert budget.reserved == [EXPECTED_COST, 2 * BILLED_COST + EXPECTED_COST]
    assert budget.settled == [2 * BILLED_COST, 3 * BILLED_COST]
    assert completion.failures == tuple(failures)


def make_responses_output(output: Any) -> StubResponse:
    """Return the output of a Responses request."""
    return StubResponse(json.dumps({"status": "completed", "output": output}))


MESSAGE = {"type": "message", "content": [{"type": "output_text", "text": "Done."}]}
STREAMED_COMPLETION = make_stream([make_chunk(content="Done."), make_chunk("stop")])


@pytest.mark.parametrize(
    ("api", "more", "answer"),
    [
        ("chat", (), make_completion({"content": "Done."})),
        ("chat", ("streaming",), STREAMED_COMPLETION),
        ("responses", (), make_responses_output([MESSAGE])),
    ],
    ids=["chat", "streamed", "responses"],
)
@pytest.mark.parametrize("prices", [PRICES, Prices()], ids=["priced", "free"])
async def test_estimate_counts_where_usage_is_not_reported(
    api: Any, more: tuple[str, ...], answer: StubResponse, prices: Prices
) -> None:
    budget = FakeBudget()
    async with run_fake_openai_server(lambda _: answer) as server:
        chain = [make_resolved_model(server.endpoint, "own", *more, prices=prices, api=api)]
        completion = await ModelClient().complete(
            chain, make_request(), make_fake_turn(budget=budget)
        )

    assert (completion.prompt_tokens, completion.completion_tokens) == (7, 100)
    assert completion.cost == (EXPECTED_COST if prices is PRICES else None)
    assert budget.settled == [EXPECTED_COST if prices is PRICES else 0]


@pytest.mark.parametrize(
    ("api", "answer", "attempts"),
    [
        ("chat", make_completion({"content": None}), 2),
        ("chat", StubResponse(json.dumps({"choices": "none"})), 3),
        ("responses", make_responses_output([]), 2),
        (
            "responses",
            StubResponse(json.dumps({"status": "failed", "error": {"code": "server_error"}})),
            3,
        ),
    ],
    ids=["empty", "unreadable", "empty response", "gave up"],
)
async def test_estimate_counts_for_an_unusable_answer(
    api: Any, answer: StubResponse, attempts: int
) -> None:
    budget, failures = FakeBudget(), list[ModelFailure]()
    async with run_fake_openai_server(lambda _: answer) as server:
        chain = [make_resolved_model(server.endpoint, prices=PRICES, api=api)]
        with pytest.raises(UpstreamError):
            await ModelClient().complete(
                chain, make_request(), make_fake_turn(budget=budget), failures
            )

    assert [one.cost for one in failures] == [EXPECTED_COST] * attempts
    assert budget.settled == [attempts * EXPECTED_COST]


@pytest.mark.parametrize("more", [(), ("streaming",)], ids=["whole", "streamed"])
@pytest.mark.parametrize(("connecting", "paid"), [(0.5, EXPECTED_COST), (30.0, Decimal(0))])
async def test_timed_out_request_is_billed_if_it_was_sent(
    monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], connecting: float, paid: Decimal
) -> None:
    """The request was sent, because connecting would have timed out earlier."""
    monkeypatch.setattr(attempt, "CONNECT_TIMEOUT_SECONDS", connecting)
    budget = FakeBudget()
    async with run_fake_openai_server(lambda _: StubResponse("", is_left_open=True)) as server:
        chain = [make_resolved_model(server.endpoint, "own", *more, prices=PRICES)]
        with pytest.raises(UpstreamUnavailable):
            await ModelClient().complete(chain, make_request(), make_fake_turn(2, budget=budget))

    assert budget.settled == [paid]


async def test_unreachable_server_costs_nothing() -> None:
    budget, nowhere = FakeBudget(), Endpoint(f"http://127.0.0.1:{free_port()}/v1", "sk")
    with pytest.raises(UpstreamUnavailable):
        await ModelClient().complete(
            [make_resolved_model(nowhere, prices=PRICES)],
            make_request(),
            make_fake_turn(budget=budget),
        )
    await nowhere.close()

    assert budget.settled == [0]


@pytest.mark.clock("virtual")
async def test_server_that_does_not_finish_connecting_costs_nothing() -> None:
    """The request cannot have been sent, though the attempt took longer than connecting may."""
    budget, streams = FakeBudget(), list[asyncio.StreamWriter]()
    async with await asyncio.start_server(
        lambda _, writer: streams.append(writer), "127.0.0.1", 0
    ) as silent:
        port = silent.sockets[0].getsockname()[1]
        endpoint = Endpoint(f"https://127.0.0.1:{port}/v1", "sk")
        with pytest.raises(UpstreamUnavailable, match="ConnectionTimeoutError"):
            await ModelClient().complete(
                [make_resolved_model(endpoint, prices=PRICES)],
                make_request(),
                make_fake_turn(budget=budget),
            )
        await endpoint.close()
        for writer in streams:
            writer.close()

    assert streams
    assert budget.settled == [0]


async def test_failed_chain_costs_its_failed_attempts() -> None:
    budget = FakeBudget()
    async with run_fake_openai_server(lambda _: EMPTY_COMPLETION) as server:
        chain = [make_resolved_model(server.endpoint, prices=PRICES)]
        with pytest.raises(EmptyResponse):
            await ModelClient().complete(chain, make_request(), make_fake_turn(budget=budget))

    assert budget.settled == [2 * BILLED_COST]


TEXT_CHUNK = make_chunk(content="Once upon")
CUT_STREAM = make_stream([TEXT_CHUNK], is_done=False)
PROVIDER_ERROR = {"error": {"code": 502, "message": "provider"}}


@pytest.mark.parametrize(
    ("answer", "attempts_paid"),
    [
        (CUT_STREAM, 2),
        (StubResponse(CUT_STREAM.body, CUT_STREAM.content_type, is_left_open=True), 1),
        (make_stream([], is_done=False), 0),
        (make_stream([PROVIDER_ERROR]), 0),
        (StubResponse("<html>gateway</html>", "text/html"), 0),
        (make_error(500, {}), 0),
    ],
    ids=["cut", "timed out", "nothing", "error at once", "html", "500"],
)
async def test_interrupted_answer_is_billed_only_if_it_started(
    answer: StubResponse, attempts_paid: int
) -> None:
    budget = FakeBudget()
    turn = make_fake_turn(3 if answer.is_left_open else 20, budget=budget)
    async with run_fake_openai_server(lambda _: answer) as server:
        chain = [make_resolved_model(server.endpoint, "own", "streaming", prices=PRICES)]
        with pytest.raises(UpstreamUnavailable):
            await ModelClient().complete(chain, make_request(), turn)

    assert budget.settled == [attempts_paid * EXPECTED_COST]
    assert turn.models_down == {"own"}


async def test_filtered_answer_is_not_retried() -> None:
    filtered = make_completion({"content": ""}, "content_filter", usage=USAGE)
    async with run_fake_openai_server(respond_in_order(filtered, DONE_COMPLETION)) as server:
        chain = [make_resolved_model(server.endpoint, name) for name in ("own", "other")]
        completion = await ModelClient().complete(chain, make_request(), make_fake_turn())

    assert (completion.model, len(server.requests)) == ("other", 2)


@pytest.mark.parametrize("capabilities", [(), ("streaming",)], ids=["whole", "streamed"])
async def test_completion_has_the_finish_reason(capabilities: tuple[str, ...]) -> None:
    cut = (
        make_stream([TEXT_CHUNK, make_chunk("length")])
        if capabilities
        else make_completion({"content": "Once"}, "length")
    )
    async with run_fake_openai_server(lambda _: cut) as server:
        chain = [make_resolved_model(server.endpoint, "own", *capabilities)]
        completion = await ModelClient().complete(chain, make_request(), make_fake_turn())

    assert completion.finish_reason == "length"


async def test_each_model_of_a_chain_gets_a_time_share() -> None:
    """The first two hang; neither is marked as down, because only its time ran out."""
    hangs = StubResponse("", is_left_open=True)
    turn = make_fake_turn(8)
    async with run_fake_openai_server(respond_in_order(hangs, hangs, DONE_COMPLETION)) as server:
        chain = [make_resolved_model(server.endpoint, name) for name in ("one", "two", "three")]
        completion = await ModelClient().complete(chain, make_request(), turn)

    assert completion.model == "three"
    assert [one["model"] for one in server.requests] == ["one", "two", "three"]


async def test_missing_time_does_not_mark_a_model_as_unavailable() -> None:
    turn = make_fake_turn(0.1)
    async with run_fake_openai_server(lambda _: DONE_COMPLETION) as server:
        chain = [make_resolved_model(server.endpoint, name) for name in ("one", "two")]
        with pytest.raises(UpstreamError):
            await ModelClient().complete(chain, make_request(), turn)

    assert server.requests == []
    assert turn.models_down == set()
