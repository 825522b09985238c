"""What requests cost, what a budget allows, and how tokens are counted."""

import json
from decimal import Decimal

import pytest

from assistant.src.core.errors import BudgetExceeded, ContextLengthExceeded
from assistant.src.services.models import attempt
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.model_registry import Prices
from assistant.src.services.models.transport.endpoint import Endpoint
from assistant.tests.services.models.model_harness import (
    FakeBudget,
    complete_chain,
    complete_own_model,
    make_fake_turn,
    make_model_request,
    make_resolved_model,
)
from smart_kit.testing.scripted_model import (
    ScriptedModel,
    make_error_response,
    make_response,
    make_text_response,
    make_tool_call_response,
)

CHEAP = Prices(Decimal(1), None, Decimal(2))
EXPENSIVE = Prices(Decimal(100), Decimal(10), Decimal(200))


class TestCost:
    async def test_is_by_the_prices_of_the_record(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        body = json.loads(make_text_response("Hello!").body)
        body["usage"]["prompt_tokens_details"] = {"cached_tokens": 4}
        model.add_steps(*[make_response(body)] * 3)

        for prices, cost in (
            (EXPENSIVE, Decimal("0.00164")),  # 6 x 100 + 4 x 10 + 5 x 200 millionths
            (CHEAP, Decimal("0.00002")),
            (Prices(Decimal(1)), None),
        ):
            completion = await complete_chain(make_resolved_model(endpoint, prices=prices))
            assert completion.cost == cost
            assert completion.cached_tokens == 4

    async def test_is_reserved_before_and_settled_after(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.add_steps("Hello!")
        budget = FakeBudget()
        request = make_model_request(
            overrides={"max_tokens": 100}, functions=(), instructions="x" * 798
        )
        chain = [make_resolved_model(endpoint, prices=CHEAP)]
        await ModelClient().complete(chain, request, make_fake_turn(budget=budget))

        prompt = (798 + len('{"role":"user","content":"hi"}')) // 4
        assert budget.reserved == [Decimal(prompt + 200) / 1_000_000]
        assert budget.settled == [Decimal(20) / 1_000_000]

    async def test_of_a_model_that_failed_is_nothing(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.add_steps(make_error_response(401), "From the other.")
        budget = FakeBudget()
        chain = [
            make_resolved_model(endpoint, prices=CHEAP),
            make_resolved_model(endpoint, "other"),
        ]
        await ModelClient().complete(chain, make_model_request(), make_fake_turn(budget=budget))

        assert budget.settled == [0, 0]

    async def test_of_a_conversation_that_is_too_long_is_nothing(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        too_long = {"error": {"code": "context_length_exceeded", "param": "messages"}}
        model.add_steps(*[make_error_response(400, too_long)] * 9)
        budget = FakeBudget()
        with pytest.raises(ContextLengthExceeded):
            await ModelClient().complete(
                [make_resolved_model(endpoint, prices=CHEAP)],
                make_model_request(),
                make_fake_turn(budget=budget),
            )

        assert budget.settled == [0] * len(budget.reserved) != []

    async def test_what_the_budget_does_not_allow_a_cheaper_model_answers(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.add_steps("From the other.")
        budget = FakeBudget(remaining=Decimal("0.01"))
        chain = [
            make_resolved_model(endpoint, prices=EXPENSIVE),
            make_resolved_model(endpoint, "other", prices=CHEAP),
        ]
        completion = await ModelClient().complete(
            chain, make_model_request(), make_fake_turn(budget=budget)
        )

        assert completion.model == "other"
        assert len(model.requests) == len(budget.settled) == 1
        assert "daily budget" in completion.failures[0].reason

    async def test_that_fits_nowhere_asks_nobody(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        budget = FakeBudget(remaining=Decimal(0))
        chain = [
            make_resolved_model(endpoint, prices=EXPENSIVE),
            make_resolved_model(endpoint, "other", prices=CHEAP),
        ]

        with pytest.raises(BudgetExceeded):
            await ModelClient().complete(chain, make_model_request(), make_fake_turn(budget=budget))
        assert model.requests == []


async def test_calls_are_counted_for_each_model(endpoint: Endpoint, model: ScriptedModel) -> None:
    counter = attempt.TOKENS.labels("scripted", "own", "prompt")
    before = counter._value.get()
    model.add_steps(make_tool_call_response(("f", {})))
    await complete_own_model(endpoint)

    assert counter._value.get() - before == 10
