"""The functions that assistants can be given."""

from typing import Any

from .base import BaseTool
from .reminder_tool import ReminderTool
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
