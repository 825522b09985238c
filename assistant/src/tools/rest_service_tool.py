"""Turns a tool record of rest_service into a tool."""

from dataclasses import dataclass
from typing import Any

import structlog

from smart_kit.contracts.configuration import ToolSnapshot
from smart_kit.contracts.functions import find_function

from .base import BaseTool, ToolServices
from .reminder_tool import ReminderTool
from .rest_tool import RestTool
from .sub_assistant_tool import SubAssistantTool
from .task_tool import ChangeTaskTool, CreateTaskTool, ListTasksTool
from .time_tool import TimeTool
from .weather_tool import WeatherTool

TOOLS: tuple[type[BaseTool[Any]], ...] = (
    ChangeTaskTool,
    CreateTaskTool,
    ListTasksTool,
    ReminderTool,
    SubAssistantTool,
    TimeTool,
    WeatherTool,
)
"""All built-in tools; a tool that is not listed does not exist."""

_BY_FUNCTION = {tool.function: tool for tool in TOOLS}

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class RestServiceTool:
    """A tool record that can become a tool."""

    record: ToolSnapshot
    services: ToolServices

    def to_tool(self) -> BaseTool[Any] | None:
        """Return the tool of the record's type and name; None: this version has none."""
        name, tool_type = self.record.name, self.record.tool_type
        tool: type[BaseTool[Any]] | None = None
        if tool_type == "rest":
            tool = RestTool if self.record.http_call is not None else None
        elif function := find_function(tool_type, name):
            tool = _BY_FUNCTION.get(function.name)
        if tool is None:
            log.warning("tool skipped: unknown function", tool=name, type=tool_type)
            return None
        return tool(self.record, self.services)
