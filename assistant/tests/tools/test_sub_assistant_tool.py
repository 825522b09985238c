"""The tool behind which another assistant answers. (In turns: assistants/test_sub_assistant.py.)"""

from typing import Any
from uuid import UUID

import pytest

from assistant.src.tools.base import ToolContext, ToolServices
from assistant.src.tools.sub_assistant_tool import SubAssistantTool
from assistant.tests.snapshots import id_of, tool
from assistant.tests.tools.rest_tool_harness import tool_context
from smart_kit.clock import Clock
from smart_kit.errors import UpstreamUnavailable


class Helper:
    """Answers, and remembers what it was asked."""

    def __init__(self, may_write: bool = False) -> None:
        self.asked: list[tuple[UUID, ToolContext, str]] = []
        self.is_away = False
        unused: Any = None
        self._services = ToolServices(
            unused,
            Clock(),
            unused,
            ask=self._ask,
            may_write=lambda one: may_write and one == HELPER,
        )

    async def _ask(self, whom: UUID, context: ToolContext, message: str) -> str:
        self.asked.append((whom, context, message))
        if self.is_away:
            raise UpstreamUnavailable("https://10.0.0.7 is away")
        return "Yes."

    def tool(self, asks: str = "Helper") -> SubAssistantTool:
        return SubAssistantTool(tool("ask_assistant", "ask_helper", asks=asks), self._services)


HELPER = id_of("Helper")


@pytest.mark.parametrize("step", ["1.0", "3.2.1.0", "1.0.1.0.1.0"])
async def test_it_passes_the_request_on_with_the_step_of_the_call(step: str) -> None:
    helper, context = Helper(), tool_context(step)
    result = await helper.tool().call(context, {"message": "Is it so?"})

    assert result.content == "Yes."
    assert helper.asked == [(HELPER, context, "Is it so?")]


@pytest.mark.parametrize("step", ["1.0.1.0.1.0.1.0", "1.0.1.0.1.0.1.0.1.0"])
async def test_below_three_levels_nobody_is_asked(step: str) -> None:
    helper = Helper()
    result = await helper.tool().call(tool_context(step), {"message": "Is it so?"})

    assert result.content == (
        "Error: No assistant may be asked here: 3 levels are the limit. Answer yourself."
    )
    assert helper.asked == []


async def test_a_record_that_names_nobody_is_said_to_ask_nobody() -> None:
    result = await Helper().tool(asks="").call(tool_context(), {"message": "x"})

    assert result.content == "Error: Nobody stands behind ask_helper. Tell the user."


async def test_why_it_could_not_answer_is_not_told() -> None:
    helper = Helper()
    helper.is_away = True
    result = await helper.tool().call(tool_context(), {"message": "x"})

    assert result.content == "Error: ask_helper could not answer. Tell the user."


@pytest.mark.parametrize(
    ("asks", "may_write", "expected"),
    [("Helper", True, True), ("Helper", False, False), ("", True, False)],
)
def test_it_may_write_where_the_one_whom_it_asks_may(
    asks: str, may_write: bool, expected: bool
) -> None:
    assert Helper(may_write).tool(asks).may_write is expected
