"""The tools of the default secretary. Their input schemas are those of the built-in functions."""

from ..models import Assistant, Tool


def build_default_tools(writer: Assistant) -> list[Tool]:
    """Return the tools; `ask_writer` asks the given assistant."""
    return [
        Tool(
            name="get_time",
            tool_type="time",
            description="The exact date, time and weekday, for the person or anywhere else.",
        ),
        Tool(
            name="create_reminder",
            tool_type="reminder",
            description=(
                "Remind the person at a time, once or again and again. Give exactly one of at,"
                " in_seconds and cron."
            ),
        ),
        Tool(
            name="create_task",
            tool_type="reminder",
            description="Note something the person means to do. It reminds nobody by itself.",
        ),
        Tool(
            name="list_tasks",
            tool_type="reminder",
            description="The person's tasks with their ids, what is due first at the top.",
        ),
        Tool(
            name="change_task",
            tool_type="reminder",
            description="Change a task, or say that it is done or cancelled.",
        ),
        Tool(
            name="get_weather",
            tool_type="weather",
            description="The weather now and in the coming days, anywhere.",
        ),
        Tool(
            name="ask_writer",
            tool_type="sub_assistant",
            description="A writer and editor: drafts, rewrites, shortens and translates texts.",
            assistant_id=writer.id,
        ),
    ]
