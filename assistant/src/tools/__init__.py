"""The functions that assistants can be given."""

from typing import Any

from .base import BaseTool
from .reminder_tool import ReminderTool
from .sub_assistant_tool import SubAssistantTool
from .time_tool import TimeTool

TOOLS: tuple[type[BaseTool[Any]], ...] = (
    ReminderTool,
    SubAssistantTool,
    TimeTool,
)
"""A tool exists because it stands here."""
