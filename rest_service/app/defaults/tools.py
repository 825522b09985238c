"""The tools of the default secretary. Their input schemas are those of the built-in functions."""

from smart_kit.contracts.tools import ToolType

from ..models import Assistant, Tool

_DESCRIPTIONS: dict[tuple[ToolType, str], str] = {
    ("time", "get_time"): "The exact date, time and weekday, for the person or anywhere else.",
    ("time", "change_settings"): (
        "Save where the person lives (for the time zone) or their language, when they say so."
    ),
    ("reminder", "create_reminder"): (
        "Remind the person, once or repeatedly. Give exactly one of at, in_seconds and cron."
    ),
    ("reminder", "list_reminders"): (
        "The person's reminders with ids and next times, and those delivered in the last day."
    ),
    ("reminder", "change_reminder"): (
        "Change a reminder's text or time. A new time plans a delivered one again."
    ),
    ("reminder", "cancel_reminder"): "Cancel a reminder.",
    ("reminder", "create_task"): (
        "Note something the person means to do. It reminds nobody by itself."
    ),
    ("reminder", "list_tasks"): ("The person's tasks with their ids, those due first at the top."),
    ("reminder", "change_task"): "Change a task, or say that it is done or cancelled.",
    ("weather", "get_weather"): "The weather now and in the coming days, anywhere.",
    ("sub_assistant", "ask_writer"): (
        "A writer and editor: drafts, rewrites, shortens and translates texts."
    ),
}


def build_default_tools(writer: Assistant) -> list[Tool]:
    """Return the tools; `ask_writer` asks the given assistant."""
    return [
        Tool(
            name=name,
            tool_type=tool_type,
            description=description,
            assistant_id=writer.id if tool_type == "sub_assistant" else None,
        )
        for (tool_type, name), description in _DESCRIPTIONS.items()
    ]
