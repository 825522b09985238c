"""Which assistant a record becomes."""

from typing import get_args
from uuid import uuid4

import pytest

from assistant.src.assistants.factory import ASSISTANT_TYPES, AssistantFactory
from assistant.src.services.model_client import ModelClient
from assistant.tests.desk import Desk, assistant, identified, secretary, tool
from smart_kit.contracts.assistants import AssistantType
from smart_kit.contracts.configuration import AssistantSnapshot, ConfigurationSnapshot
from smart_kit.testing.models import ScriptedModel, calls


@pytest.fixture
def make(desk: Desk, endpoint):
    def factory(*records: AssistantSnapshot) -> AssistantFactory:
        return AssistantFactory(
            ConfigurationSnapshot(version=1, assistants=records),
            ModelClient(endpoint, "m"),
            desk.services,
        )

    return factory


def test_every_type_has_its_classes() -> None:
    assert set(ASSISTANT_TYPES) == set(get_args(AssistantType))


async def test_an_openai_api_record_answers_over_chat_completions(
    desk: Desk, model: ScriptedModel
) -> None:
    await desk.configure(secretary(assistant_type="openai_api"), version=2)
    model.expect("Hello!")

    assert (await desk.say("hi")).text == "Hello!"


def test_an_assistant_is_built_once(make) -> None:
    factory = make(secretary(), assistant("Poet"))

    assert factory.create_main_assistant(None) is factory.create_main_assistant(uuid4())
    poet = identified("Poet")
    assert factory.create_sub_assistant(poet) is factory.create_sub_assistant(poet)
    assert factory.create_main_assistant(poet) is not factory.create_sub_assistant(poet)


def test_who_is_not_active_is_nobody(make) -> None:
    assert make().create_main_assistant(None) is None
    assert make(secretary()).create_sub_assistant(uuid4()) is None


@pytest.mark.parametrize("asked", ["", "Nobody"])
async def test_a_tool_behind_which_nobody_stands_is_told(
    desk: Desk, model: ScriptedModel, asked: str
) -> None:
    await desk.configure(secretary(tool("ask_assistant", "ask_poet", asks=asked)), version=2)
    model.expect(calls(("ask_poet", {"message": "x"})), "Nobody is there.")

    assert (await desk.say("hi")).text == "Nobody is there."
    assert model.asked[1].messages[-1]["content"].startswith("Error: ")
