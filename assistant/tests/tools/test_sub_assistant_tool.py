"""The tool that calls another assistant. (In turns: assistants/test_sub_assistant.py.)"""

from typing import Self
from uuid import UUID

import pytest

from assistant.src.tools.base import ToolContext
from assistant.src.tools.sub_assistant_tool import SubAssistantTool
from assistant.tests.snapshot_builders import id_for, make_tool
from assistant.tests.tools.rest_tool_harness import make_tool_context, make_tool_services
from smart_kit.errors import UpstreamUnavailable


class FakeToolAssistant:
    """Answers, and remembers its requests."""

    def __init__(self, may_write: bool = False) -> None:
        self.requests: list[tuple[UUID, ToolContext, str]] = []
        self.is_unavailable = False
        self.may_write = may_write
        self._id: UUID | None = None
        self._services = make_tool_services(get_assistant=self._get)

    def _get(self, assistant_id: UUID) -> Self:
        self._id = assistant_id
        return self

    async def run(self, context: ToolContext, message: str) -> str:
        assert self._id is not None
        self.requests.append((self._id, context, message))
        if self.is_unavailable:
            raise UpstreamUnavailable("https://10.0.0.7 is away")
        return "Yes."

    def build_tool(self, sub_assistant: str = "Helper") -> SubAssistantTool:
        return SubAssistantTool(
            make_tool("ask_assistant", "ask_helper", sub_assistant=sub_assistant), self._services
        )


HELPER = id_for("Helper")


@pytest.mark.parametrize("step", ["1.0", "3.2.1.0", "1.0.1.0.1.0"])
async def test_request_is_passed_on_with_its_step(step: str) -> None:
    helper, context = FakeToolAssistant(), make_tool_context(step)
    result = await helper.build_tool().call(context, {"message": "Is it so?"})

    assert result.content == "Yes."
    assert helper.requests == [(HELPER, context, "Is it so?")]


@pytest.mark.parametrize("step", ["1.0.1.0.1.0.1.0", "1.0.1.0.1.0.1.0.1.0"])
async def test_assistants_nest_at_most_three_levels(step: str) -> None:
    helper = FakeToolAssistant()
    result = await helper.build_tool().call(make_tool_context(step), {"message": "Is it so?"})

    assert result.content == (
        "Error: No assistant can be called here: 3 levels are the limit. Answer yourself."
    )
    assert helper.requests == []


async def test_record_without_an_assistant_returns_an_error() -> None:
    result = (
        await FakeToolAssistant()
        .build_tool(sub_assistant="")
        .call(make_tool_context(), {"message": "x"})
    )

    assert result.content == "Error: ask_helper names no assistant. Tell the user."


async def test_failure_of_an_assistant_is_reported_without_its_reason() -> None:
    helper = FakeToolAssistant()
    helper.is_unavailable = True
    result = await helper.build_tool().call(make_tool_context(), {"message": "x"})

    assert result.content == "Error: ask_helper could not answer. Tell the user."


@pytest.mark.parametrize(
    ("asks", "may_write", "expected"),
    [("Helper", True, True), ("Helper", False, False), ("", True, False)],
)
def test_tool_may_write_if_its_assistant_may(asks: str, may_write: bool, expected: bool) -> None:
    assert FakeToolAssistant(may_write).build_tool(asks).may_write is expected
