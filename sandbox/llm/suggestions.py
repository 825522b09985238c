"""Example requests for the tools that an assistant has."""

from sandbox.llm.prompt_context import PromptContext

_TOOL_SUGGESTIONS = (
    ("get_time", "What time is it in Tokyo?", "Который час в Токио?"),
    (
        "create_reminder",
        "Remind me in 20 seconds to stretch",
        "Напомни через 20 секунд размяться",
    ),
    (
        "create_reminder",
        "Remind me every day at 9 to water the plants",
        "Напоминай каждый день в 9 поливать цветы",
    ),
    ("list_reminders", "Show my reminders", "Покажи мои напоминания"),
    (
        "create_task",
        "Add a task: buy milk by Friday",
        "Добавь задачу: купить молоко до пятницы",
    ),
    ("list_tasks", "Show my tasks", "Покажи мои задачи"),
    ("change_task", "Mark the task about milk as done", "Отметь задачу про молоко выполненной"),
    ("get_weather", "What is the weather in Paris tomorrow?", "Какая погода завтра в Париже?"),
)
_GENERAL_SUGGESTIONS = (
    ("How much is 12 * 7?", "Сколько будет 12 * 7?"),
    ("What was my previous message?", "Какое было моё прошлое сообщение?"),
    ("Show me markdown", "Покажи markdown"),
    ("What is the quadratic formula?", "Какая формула у корней квадратного уравнения?"),
)
BUILT_IN_TOOLS = frozenset(
    {
        "get_time",
        "get_weather",
        "create_reminder",
        "list_reminders",
        "change_reminder",
        "cancel_reminder",
        "create_task",
        "list_tasks",
        "change_task",
    }
)
"""Tools that have a skill."""


def render_suggestions(context: PromptContext) -> str:
    """Return a Markdown list of example requests."""
    names = {tool.name for tool in context.tools}
    examples = [(en, ru) for name, en, ru in _TOOL_SUGGESTIONS if name in names]
    lines = [context.localize(en, ru) for en, ru in (*examples, *_GENERAL_SUGGESTIONS)]
    lines += [
        context.localize(f"Ask the {tool.title} …", f"Спроси {tool.title} …")
        for tool in context.tools
        if tool.has_parameter("message") and tool.name not in BUILT_IN_TOOLS
    ]
    return "\n".join(f"- {line}" for line in lines)
