"""The functions that assistants can be given."""

from typing import Any

from assistant.src.tools.base import BaseTool
from assistant.src.tools.reminder_tool import ReminderTool
from assistant.src.tools.sub_assistant_tool import SubAssistantTool
from assistant.src.tools.time_tool import TimeTool

TOOLS: tuple[type[BaseTool[Any]], ...] = (
    ReminderTool,
    SubAssistantTool,
    TimeTool,
)
"""A tool exists because it stands here."""
