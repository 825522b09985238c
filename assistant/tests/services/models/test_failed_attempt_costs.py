"""What failed attempts cost: billed is billed, and the day's budget knows of it."""

import json
from decimal import Decimal
from typing import Any

import pytest

from assistant.src.core.errors import EmptyAnswer
from assistant.src.services.models import attempt
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.endpoint import Endpoint
from assistant.src.services.models.served import Prices
from assistant.tests.services.models.model_harness import (
    FakeBudget,
    fake_turn,
    model_request,
    served_model,
)
from assistant.tests.services.models.openai_compatible_server import (
    HttpAnswer,
    delta,
    in_turn,
    refuses,
    running_server,
    stream,
    whole,
)
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamError, UpstreamUnavailable
from smart_kit.testing.ports import free_port

pytestmark = pytest.mark.clock("virtual")

PRICES = Prices(Decimal(1), None, Decimal(2))
MILLION = Decimal(1_000_000)
USAGE = {"prompt_tokens": 100, "completion_tokens": 50}
BILLED = 200 / MILLION
EMPTY = whole({"content": None}, "length", usage=USAGE)
DONE = whole({"content": "Done."}, usage=USAGE)
EXPECTED = 207 / MILLION
"""Of the request below: 7 tokens of a prompt, and an answer of 100."""


def asked(**changes: Any) -> Any:
    given = {"functions": (), "instructions": "", "overrides": {"max_tokens": 100}}
    return model_request(**(given | changes))


UNREADABLE = [
    EMPTY,
    whole({"content": [5], "tool_calls": "none"}, usage=USAGE),
    HttpAnswer(json.dumps({"choices": [], "usage": USAGE})),
    HttpAnswer(json.dumps({"choices": "none", "usage": USAGE})),
]


@pytest.mark.parametrize("bad", UNREADABLE, ids=lambda sent: str(sent.body)[:40])
async def test_an_unusable_answer_is_paid_for_beside_the_good_one(bad: HttpAnswer) -> None:
    budget = FakeBudget()
    async with running_server(in_turn(bad, DONE)) as server:
        chain = [served_model(server.endpoint, prices=PRICES)]
        completion = await ModelClient().complete(chain, asked(), fake_turn(budget=budget))

    assert budget.settled == [2 * BILLED]
    assert completion.cost == BILLED
    (failure,) = completion.failures
    assert (failure.prompt_tokens, failure.completion_tokens) == (100, 50)
    assert failure.cost == BILLED


async def test_what_one_model_cost_in_vain_stays_where_another_answers() -> None:
    budget = FakeBudget()
    async with running_server(in_turn(EMPTY, EMPTY, DONE)) as server:
        chain = [served_model(server.endpoint, name, prices=PRICES) for name in ("own", "other")]
        completion = await ModelClient().complete(chain, asked(), fake_turn(budget=budget))

    assert completion.model == "other"
    assert budget.reserved == [EXPECTED, 2 * BILLED + EXPECTED]
    assert budget.settled == [2 * BILLED, 3 * BILLED]
    assert completion.cost == BILLED
    assert [(one.model, one.cost) for one in completion.failures] == [("own", BILLED)] * 2


async def test_what_a_step_has_cost_in_vain_stays_where_it_asks_again() -> None:
    """Under the same key, as it does with a shorter conversation."""
    budget, failures = FakeBudget(), list[ModelFailure]()
    async with running_server(in_turn(EMPTY, EMPTY, DONE)) as server:
        chain = [served_model(server.endpoint, prices=PRICES)]
        with pytest.raises(EmptyAnswer):
            await ModelClient().complete(chain, asked(), fake_turn(budget=budget), failures)
        completion = await ModelClient().complete(
            chain, asked(), fake_turn(budget=budget), failures
        )

    assert budget.reserved == [EXPECTED, 2 * BILLED + EXPECTED]
    assert budget.settled == [2 * BILLED, 3 * BILLED]
    assert completion.failures == tuple(failures)


def unsaid(output: Any) -> HttpAnswer:
    """An answer of Responses."""
    return HttpAnswer(json.dumps({"status": "completed", "output": output}))


MESSAGE = {"type": "message", "content": [{"type": "output_text", "text": "Done."}]}
STREAMED = stream([delta(content="Done."), delta("stop")])


@pytest.mark.parametrize(
    ("api", "more", "answer"),
    [
        ("chat", (), whole({"content": "Done."})),
        ("chat", ("streaming",), STREAMED),
        ("responses", (), unsaid([MESSAGE])),
    ],
    ids=["chat", "streamed", "responses"],
)
@pytest.mark.parametrize("prices", [PRICES, Prices()], ids=["priced", "free"])
async def test_of_what_the_server_does_not_count_what_was_expected_counts(
    api: Any, more: tuple[str, ...], answer: HttpAnswer, prices: Prices
) -> None:
    budget = FakeBudget()
    async with running_server(lambda _: answer) as server:
        chain = [served_model(server.endpoint, "own", *more, prices=prices, api=api)]
        completion = await ModelClient().complete(chain, asked(), fake_turn(budget=budget))

    assert (completion.prompt_tokens, completion.completion_tokens) == (7, 100)
    assert completion.cost == (EXPECTED if prices is PRICES else None)
    assert budget.settled == [EXPECTED if prices is PRICES else 0]


@pytest.mark.parametrize(
    ("api", "answer", "attempts"),
    [
        ("chat", whole({"content": None}), 2),
        ("chat", HttpAnswer(json.dumps({"choices": "none"})), 3),
        ("responses", unsaid([]), 2),
        (
            "responses",
            HttpAnswer(json.dumps({"status": "failed", "error": {"code": "server_error"}})),
            3,
        ),
    ],
    ids=["empty", "unreadable", "empty response", "gave up"],
)
async def test_so_it_does_where_the_answer_is_of_no_use(
    api: Any, answer: HttpAnswer, attempts: int
) -> None:
    budget, failures = FakeBudget(), list[ModelFailure]()
    async with running_server(lambda _: answer) as server:
        chain = [served_model(server.endpoint, prices=PRICES, api=api)]
        with pytest.raises(UpstreamError):
            await ModelClient().complete(chain, asked(), fake_turn(budget=budget), failures)

    assert [one.cost for one in failures] == [EXPECTED] * attempts
    assert budget.settled == [attempts * EXPECTED]


@pytest.mark.parametrize("more", [(), ("streaming",)], ids=["whole", "streamed"])
@pytest.mark.parametrize(("connecting", "paid"), [(0.5, EXPECTED), (30.0, Decimal(0))])
async def test_a_request_that_nobody_answered_in_time_is_paid_for_if_it_had_gone_out(
    monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], connecting: float, paid: Decimal
) -> None:
    """As it surely has when connecting would not have taken so long."""
    monkeypatch.setattr(attempt, "CONNECT_SECONDS", connecting)
    budget = FakeBudget()
    async with running_server(lambda _: HttpAnswer("", stays_open=True)) as server:
        chain = [served_model(server.endpoint, "own", *more, prices=PRICES)]
        with pytest.raises(UpstreamUnavailable):
            await ModelClient().complete(chain, asked(), fake_turn(2, budget=budget))

    assert budget.settled == [paid]


async def test_where_nobody_listens_nothing_is_spent() -> None:
    budget, nowhere = FakeBudget(), Endpoint(f"http://127.0.0.1:{free_port()}/v1", "sk")
    with pytest.raises(UpstreamUnavailable):
        await ModelClient().complete(
            [served_model(nowhere, prices=PRICES)], asked(), fake_turn(budget=budget)
        )
    await nowhere.close()

    assert budget.settled == [0]


async def test_what_was_spent_in_vain_is_spent_where_nobody_answers() -> None:
    budget = FakeBudget()
    async with running_server(lambda _: EMPTY) as server:
        chain = [served_model(server.endpoint, prices=PRICES)]
        with pytest.raises(EmptyAnswer):
            await ModelClient().complete(chain, asked(), fake_turn(budget=budget))

    assert budget.settled == [2 * BILLED]


WORDS = delta(content="Once upon")
CUT = stream([WORDS], is_done=False)
PROVIDER = {"error": {"code": 502, "message": "provider"}}


@pytest.mark.parametrize(
    ("answer", "attempts_paid"),
    [
        (CUT, 2),
        (HttpAnswer(CUT.body, CUT.content_type, stays_open=True), 1),
        (stream([], is_done=False), 0),
        (stream([PROVIDER]), 0),
        (HttpAnswer("<html>gateway</html>", "text/html"), 0),
        (refuses(500, {}), 0),
    ],
    ids=["cut", "timed out", "nothing", "error at once", "html", "500"],
)
async def test_an_answer_that_broke_off_costs_what_was_expected_and_one_that_never_began_nothing(
    answer: HttpAnswer, attempts_paid: int
) -> None:
    budget = FakeBudget()
    turn = fake_turn(3 if answer.stays_open else 20, budget=budget)
    async with running_server(lambda _: answer) as server:
        chain = [served_model(server.endpoint, "own", "streaming", prices=PRICES)]
        with pytest.raises(UpstreamUnavailable):
            await ModelClient().complete(chain, asked(), turn)

    assert budget.settled == [attempts_paid * EXPECTED]
    assert turn.models_down == {"own"}


async def test_an_answer_that_a_filter_emptied_is_not_asked_for_again() -> None:
    filtered = whole({"content": ""}, "content_filter", usage=USAGE)
    async with running_server(in_turn(filtered, DONE)) as server:
        chain = [served_model(server.endpoint, name) for name in ("own", "other")]
        completion = await ModelClient().complete(chain, asked(), fake_turn())

    assert (completion.model, len(server.asked)) == ("other", 2)


@pytest.mark.parametrize("capabilities", [(), ("streaming",)], ids=["whole", "streamed"])
async def test_why_an_answer_ended_is_known(capabilities: tuple[str, ...]) -> None:
    cut = stream([WORDS, delta("length")]) if capabilities else whole({"content": "Once"}, "length")
    async with running_server(lambda _: cut) as server:
        chain = [served_model(server.endpoint, "own", *capabilities)]
        completion = await ModelClient().complete(chain, asked(), fake_turn())

    assert completion.finish_reason == "length"


async def test_each_model_of_a_chain_has_its_share_of_the_time() -> None:
    """The first two hang; none of them is taken for down because no time was left for it."""
    hangs = HttpAnswer("", stays_open=True)
    turn = fake_turn(8)
    async with running_server(in_turn(hangs, hangs, DONE)) as server:
        chain = [served_model(server.endpoint, name) for name in ("one", "two", "three")]
        completion = await ModelClient().complete(chain, asked(), turn)

    assert completion.model == "three"
    assert [one["model"] for one in server.asked] == ["one", "two", "three"]


async def test_a_model_without_time_is_not_taken_for_down() -> None:
    turn = fake_turn(0.1)
    async with running_server(lambda _: DONE) as server:
        chain = [served_model(server.endpoint, name) for name in ("one", "two")]
        with pytest.raises(UpstreamError):
            await ModelClient().complete(chain, asked(), turn)

    assert server.asked == []
    assert turn.models_down == set()
