"""Request parameters: how rejected ones are found, dropped, and remembered."""

import asyncio
import threading

import pytest

from assistant.src.services.models.client import ModelClient
from assistant.src.services.models.transport.endpoint import Endpoint
from assistant.tests.services.models.model_harness import (
    complete_own_model,
    make_fake_turn,
    make_model_request,
    make_resolved_model,
)
from smart_kit.errors import UpstreamRejected
from smart_kit.testing.scripted_model import ScriptedModel, ScriptedResponse, make_error_response

MISSING_EFFORT = make_error_response(
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
        model.add_steps(MISSING_EFFORT, "One.", "Two.")
        client = ModelClient()
        for _ in range(2):
            await client.complete(
                [make_resolved_model(endpoint)], make_model_request(), make_fake_turn()
            )

        efforts = [request.body.get("reasoning_effort") for request in model.requests]
        assert efforts == [None, "none", "none"]

    async def test_effort_is_dropped_where_it_is_refused_and_then_it_is_over(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.add_steps(MISSING_EFFORT, MISSING_EFFORT, MISSING_EFFORT)

        with pytest.raises(UpstreamRejected):
            await complete_own_model(endpoint)
        efforts = [request.body.get("reasoning_effort") for request in model.requests]
        assert efforts == [None, "none", None]

    async def test_what_one_model_refuses_another_still_gets(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        refused = make_error_response(
            400, {"error": {"param": "temperature", "message": "unsupported"}}
        )
        model.add_steps(refused, make_error_response(404), "Hello!")
        await complete_own_model(endpoint, fallback="other", temperature=0.2)

        assert [request.body.get("temperature") for request in model.requests] == [0.2, None, 0.2]

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
        model.add_steps(make_error_response(400, body), "Hello!")
        await complete_own_model(endpoint, max_tokens=500)

        second = model.requests[1].body
        assert "max_tokens" not in second
        assert second["max_completion_tokens"] == 500

    async def test_tool_choice_is_left_out_where_it_is_refused(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.add_steps(
            make_error_response(422, {"detail": [{"loc": ["body", "tool_choice"]}]}), "Hello!"
        )
        await complete_own_model(endpoint, request=make_model_request(may_call_tools=False))

        assert [request.body.get("tool_choice") for request in model.requests] == ["none", None]

    async def test_two_concurrent_turns_make_the_same_adaptation(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        both = threading.Barrier(2, timeout=60)

        def refuse(_: object) -> ScriptedResponse:
            both.wait()
            return MISSING_EFFORT

        model.add_steps(refuse, refuse, "One.", "Two.")
        client, chain = ModelClient(), [make_resolved_model(endpoint)]
        await asyncio.gather(
            *(client.complete(chain, make_model_request(), make_fake_turn()) for _ in range(2))
        )
        efforts = [request.body.get("reasoning_effort") for request in model.requests]
        assert efforts == [None, None, "none", "none"]

    async def test_a_changed_record_drops_its_adaptations(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        model.add_steps(MISSING_EFFORT, "One.", "Two.")
        client = ModelClient()
        for parameters in ({}, {"temperature": 0.5}):
            chain = [make_resolved_model(endpoint, parameters=parameters)]
            await client.complete(chain, make_model_request(), make_fake_turn())

        efforts = [request.body.get("reasoning_effort") for request in model.requests]
        assert efforts == [None, "none", None]

    async def test_an_assistants_own_win_over_the_records_and_are_dropped_where_refused(
        self, endpoint: Endpoint, model: ScriptedModel
    ) -> None:
        refused = make_error_response(
            400, {"error": {"param": "temperature", "code": "unsupported_value"}}
        )
        model.add_steps(refused, "Hello!")
        request = make_model_request(overrides={"temperature": 0.1, "max_tokens": 50})
        await complete_own_model(endpoint, request=request, temperature=0.9, seed=1)

        first, second = (one.body for one in model.requests)
        assert (first["temperature"], first["max_tokens"], first["seed"]) == (0.1, 50, 1)
        assert "temperature" not in second
        assert second["max_tokens"] == 50
