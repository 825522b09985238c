"""Parameters of requests: how refused ones are found, dropped, and remembered."""

import asyncio
import threading

import pytest

from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.endpoint import Endpoint
from assistant.tests.services.models.model_harness import (
    complete_own,
    fake_turn,
    model_request,
    served_model,
)
from smart_kit.errors import UpstreamRejected
from smart_kit.testing.scripted_model import Answer, ScriptedModel, fails

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
            await complete_own(endpoint)
        efforts = [asked.body.get("reasoning_effort") for asked in model.asked]
        assert efforts == [None, "none", None]

    async def test_what_one_model_refuses_another_still_gets(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        refused = fails(400, {"error": {"param": "temperature", "message": "unsupported"}})
        model.expect(refused, fails(404), "Hello!")
        await complete_own(endpoint, fallback="other", temperature=0.2)

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
        await complete_own(endpoint, max_tokens=500)

        second = model.asked[1].body
        assert "max_tokens" not in second
        assert second["max_completion_tokens"] == 500

    async def test_tool_choice_is_left_out_where_it_is_refused(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.expect(fails(422, {"detail": [{"loc": ["body", "tool_choice"]}]}), "Hello!")
        await complete_own(endpoint, asked=model_request(may_call=False))

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
        await complete_own(endpoint, asked=asked, temperature=0.9, seed=1)

        first, second = (one.body for one in model.asked)
        assert (first["temperature"], first["max_tokens"], first["seed"]) == (0.1, 50, 1)
        assert "temperature" not in second
        assert second["max_tokens"] == 50
