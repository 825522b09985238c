"""What is done about models that fail, over the real SDK and a real socket."""

import asyncio
import json
import threading
import time
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from assistant.src.core.errors import BudgetSpent, ContextTooLong, EmptyAnswer, LeftAlone, NotServed
from assistant.src.messages.completion import Completion
from assistant.src.messages.item import Item
from assistant.src.services.models import meters
from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.endpoint import Endpoint
from assistant.src.services.models.request import ModelRequest
from assistant.src.services.models.served import Prices, ServedModel
from assistant.tests.services.models.model_harness import (
    FakeBudget,
    fake_turn,
    model_request,
    served_model,
)
from assistant.tests.services.models.model_harness import complete as complete_chain
from smart_kit.contracts.threads import ModelFailure
from smart_kit.errors import UpstreamRejected, UpstreamUnavailable
from smart_kit.testing.ports import free_port
from smart_kit.testing.scripted_model import (
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


async def complete(
    endpoint: Endpoint,
    *,
    fallback: str | None = None,
    seconds: float = 60,
    asked: ModelRequest | None = None,
    **parameters: Any,
) -> Completion:
    names = ("own", fallback) if fallback else ("own",)
    chain = [served_model(endpoint, name, parameters=parameters) for name in names]
    return await complete_chain(*chain, asked=asked, seconds=seconds)


def models_asked(model: ScriptedModel) -> list[str]:
    return [asked.body["model"] for asked in model.asked]


async def test_a_request_is_what_every_server_takes(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.expect("Hello!", "Hello!")
    await complete(endpoint)
    await complete(endpoint, asked=model_request(functions=()))

    assert model.asked[0].body.keys() == {"model", "tools", "messages"}
    assert model.asked[1].body.keys() == {"model", "messages"}
    assert model.asked[0].headers["authorization"] == "Bearer sk-test"
    assert model.asked[0].headers["content-type"] == "application/json"


async def test_a_good_answer_tells_its_tokens(endpoint: Endpoint, model: ScriptedModel) -> None:
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
    endpoint: Endpoint, model: ScriptedModel, failure: Answer
) -> None:
    model.expect(failure, failure, "Hello!")

    assert (await complete(endpoint)).text == "Hello!"


async def test_three_tries_are_enough(endpoint: Endpoint, model: ScriptedModel) -> None:
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
    endpoint: Endpoint, model: ScriptedModel, failure: Answer
) -> None:
    model.expect(failure)

    with pytest.raises(UpstreamRejected):
        await complete(endpoint)
    assert len(model.asked) == 1

    model.expect(failure, "From the other.")
    assert (await complete(endpoint, fallback="other")).model == "other"


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    nowhere = Endpoint(f"http://127.0.0.1:{free_port()}/v1", "sk")

    with pytest.raises(UpstreamUnavailable):
        await complete(nowhere)
    await nowhere.close()


async def test_a_silent_model_is_given_up_at_the_deadline(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    end = threading.Event()
    model.expect(held(end, says("late")))
    started = time.monotonic()

    with pytest.raises(UpstreamUnavailable, match="No answer within 1 s"):
        await complete(endpoint, seconds=1)
    end.set()
    assert time.monotonic() - started > 0.9


async def test_what_the_server_asks_us_to_wait_is_waited(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.expect(fails(429, None, retry_after_ms="300"), "Hello!")
    started = time.monotonic()
    await complete(endpoint)

    assert time.monotonic() - started >= 0.3


async def test_nobody_waits_beyond_the_deadline_but_falls_back(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    model.expect(fails(429, None, retry_after="3600"), "From the other.")

    assert (await complete(endpoint, fallback="other")).model == "other"
    assert models_asked(model) == ["own", "other"]


async def test_a_silent_model_leaves_time_for_the_other(
    endpoint: Endpoint, model: ScriptedModel
) -> None:
    end = threading.Event()
    model.expect(held(end, says("late")), "From the other.")

    assert (await complete(endpoint, fallback="other", seconds=6)).model == "other"
    end.set()


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
    assert (await complete(endpoint)).text == "Hello!"

    model.expect(says(""), says(" \n"))
    with pytest.raises(EmptyAnswer):
        await complete(endpoint)


class TestParameters:
    async def test_effort_is_named_where_it_must_be_and_remembered(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.expect(MISSING_EFFORT, "One.", "Two.")
        asking = ModelClient()
        for _ in range(2):
            await asking.complete([served_model(endpoint)], model_request(), fake_turn())

        efforts = [asked.body.get("reasoning_effort") for asked in model.asked]
        assert efforts == [None, "none", "none"]

    async def test_effort_is_dropped_where_it_is_refused_and_then_it_is_over(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.expect(MISSING_EFFORT, MISSING_EFFORT, MISSING_EFFORT)

        with pytest.raises(UpstreamRejected):
            await complete(endpoint)
        efforts = [asked.body.get("reasoning_effort") for asked in model.asked]
        assert efforts == [None, "none", None]

    async def test_what_one_model_refuses_another_still_gets(
        self, endpoint: Endpoint, model: ScriptedModel
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
        self, endpoint: Endpoint, model: ScriptedModel, body: object
    ) -> None:
        model.expect(fails(400, body), "Hello!")
        await complete(endpoint, max_tokens=500)

        second = model.asked[1].body
        assert "max_tokens" not in second
        assert second["max_completion_tokens"] == 500

    async def test_tool_choice_is_left_out_where_it_is_refused(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.expect(fails(422, {"detail": [{"loc": ["body", "tool_choice"]}]}), "Hello!")
        await complete(endpoint, asked=model_request(may_call=False))

        assert [asked.body.get("tool_choice") for asked in model.asked] == ["none", None]

    async def test_two_turns_that_learn_at_the_same_time_learn_the_same(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        both = threading.Barrier(2, timeout=60)

        def refuse(_: object) -> Answer:
            both.wait()
            return MISSING_EFFORT

        model.expect(refuse, refuse, "One.", "Two.")
        asking, chain = ModelClient(), [served_model(endpoint)]
        await asyncio.gather(
            *(asking.complete(chain, model_request(), fake_turn()) for _ in range(2))
        )
        efforts = [asked.body.get("reasoning_effort") for asked in model.asked]
        assert efforts == [None, None, "none", "none"]

    async def test_a_changed_record_forgets_what_was_learnt(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.expect(MISSING_EFFORT, "One.", "Two.")
        asking = ModelClient()
        for parameters in ({}, {"temperature": 0.5}):
            chain = [served_model(endpoint, parameters=parameters)]
            await asking.complete(chain, model_request(), fake_turn())

        efforts = [asked.body.get("reasoning_effort") for asked in model.asked]
        assert efforts == [None, "none", None]

    async def test_an_assistants_own_win_over_the_records_and_are_dropped_where_refused(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        refused = fails(400, {"error": {"param": "temperature", "code": "unsupported_value"}})
        model.expect(refused, "Hello!")
        asked = model_request(overrides={"temperature": 0.1, "max_tokens": 50})
        await complete(endpoint, asked=asked, temperature=0.9, seed=1)

        first, second = (one.body for one in model.asked)
        assert (first["temperature"], first["max_tokens"], first["seed"]) == (0.1, 50, 1)
        assert "temperature" not in second
        assert second["max_tokens"] == 50


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


CHEAP = Prices(Decimal(1), None, Decimal(2))
DEAR = Prices(Decimal(100), Decimal(10), Decimal(200))


class TestCost:
    async def test_is_by_the_prices_of_the_record(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        body = json.loads(says("Hello!").body)
        body["usage"]["prompt_tokens_details"] = {"cached_tokens": 4}
        model.expect(*[sends(body)] * 3)

        for prices, cost in (
            (DEAR, Decimal("0.00164")),  # 6 x 100 + 4 x 10 + 5 x 200 millionths
            (CHEAP, Decimal("0.00002")),
            (Prices(Decimal(1)), None),
        ):
            completion = await complete_chain(served_model(endpoint, prices=prices))
            assert completion.cost == cost
            assert completion.cached_tokens == 4

    async def test_is_reserved_before_and_settled_after(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.expect("Hello!")
        budget = FakeBudget()
        asked = model_request(overrides={"max_tokens": 100}, functions=(), instructions="x" * 798)
        chain = [served_model(endpoint, prices=CHEAP)]
        await ModelClient().complete(chain, asked, fake_turn(budget=budget))

        prompt = (798 + len('{"role":"user","content":"hi"}')) // 4
        assert budget.reserved == [Decimal(prompt + 200) / 1_000_000]
        assert budget.settled == [Decimal(20) / 1_000_000]

    async def test_of_a_model_that_failed_is_nothing(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.expect(fails(401), "From the other.")
        budget = FakeBudget()
        chain = [served_model(endpoint, prices=CHEAP), served_model(endpoint, "other")]
        await ModelClient().complete(chain, model_request(), fake_turn(budget=budget))

        assert budget.settled == [0, 0]

    async def test_what_the_budget_does_not_allow_a_cheaper_model_answers(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.expect("From the other.")
        budget = FakeBudget(left=Decimal("0.01"))
        chain = [served_model(endpoint, prices=DEAR), served_model(endpoint, "other", prices=CHEAP)]
        completion = await ModelClient().complete(chain, model_request(), fake_turn(budget=budget))

        assert completion.model == "other"
        assert len(model.asked) == len(budget.settled) == 1
        assert "today" in completion.failures[0].reason

    async def test_that_fits_nowhere_asks_nobody(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        budget = FakeBudget(left=Decimal(0))
        chain = [served_model(endpoint, prices=DEAR), served_model(endpoint, "other", prices=CHEAP)]

        with pytest.raises(BudgetSpent):
            await ModelClient().complete(chain, model_request(), fake_turn(budget=budget))
        assert model.asked == []


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
    endpoint: Endpoint, model: ScriptedModel, body: object
) -> None:
    model.expect(fails(400, body))

    with pytest.raises(ContextTooLong):
        await complete(endpoint, fallback="other")
    assert len(model.asked) == 1


async def test_errors_name_codes_and_say_nothing_of_the_key_or_of_what_was_sent(
    endpoint: Endpoint, model: ScriptedModel
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
    endpoint: Endpoint, model: ScriptedModel, body: Any, said: str
) -> None:
    model.expect(*[fails(500, body)] * 3)

    with pytest.raises(UpstreamUnavailable) as failed:
        await complete(endpoint)
    assert failed.value.message == said


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


@pytest.mark.parametrize(("words", "warnings"), [(4_000, 1), (200, 0)])
async def test_a_prompt_that_the_server_cut_off_silently_is_told_in_the_log(
    endpoint: Endpoint,
    model: ScriptedModel,
    capsys: pytest.CaptureFixture[str],
    words: int,
    warnings: int,
) -> None:
    """Ollama does it, system and tools first, where its context is too small."""
    body = json.loads(says("Hello!").body)
    body["usage"]["prompt_tokens"] = 4096
    model.expect(sends(body))
    await complete(endpoint, asked=model_request(instructions="every word " * words))

    assert capsys.readouterr().out.count("seems to cut prompts off") == warnings


async def test_calls_are_counted_by_model(endpoint: Endpoint, model: ScriptedModel) -> None:
    counter = meters.TOKENS.labels("scripted", "own", "prompt")
    before = counter._value.get()
    model.expect(calls(("f", {})))
    await complete(endpoint)

    assert counter._value.get() - before == 10
