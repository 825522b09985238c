"""Example requests for the tools that an assistant has."""

from sandbox.llm.prompt_parsing import ParsedPrompt
from sandbox.llm.skill import TOOL_PURPOSES

_SUGGESTIONS = (
    ("get_time", "What time is it in Tokyo?", "Который час в Токио?"),
    ("create_reminder", "Remind me in 20 seconds to stretch", "Напомни через 20 секунд размяться"),
    (
        "create_reminder",
        "Remind me every day at 9 to water the plants",
        "Напоминай каждый день в 9 поливать цветы",
    ),
    (
        "create_reminder",
        "Every morning at 8 tell me the weather and my tasks",
        "Каждое утро в 8 присылай погоду и мои задачи",
    ),
    ("list_reminders", "Show my reminders", "Покажи мои напоминания"),
    (
        "change_reminder",
        "Move the reminder about the plants to 10",
        "Перенеси напоминание про цветы на 10",
    ),
    ("create_task", "Add a task: buy milk by Friday", "Добавь задачу: купить молоко до пятницы"),
    ("list_tasks", "Show my tasks", "Покажи мои задачи"),
    ("change_task", "Mark the task about milk as done", "Отметь задачу про молоко выполненной"),
    ("get_weather", "What is the weather in Paris tomorrow?", "Какая погода завтра в Париже?"),
    ("change_settings", "I live in Lisbon", "Я живу в Лиссабоне"),
    (None, "How much is 12 * 7?", "Сколько будет 12 * 7?"),
    (None, "What was my previous message?", "Какое было моё прошлое сообщение?"),
    (None, "Show me markdown", "Покажи markdown"),
    (None, "What is the quadratic formula?", "Какая формула у корней квадратного уравнения?"),
)
"""The tool that a request needs, if any, and the request in English and in Russian."""
BUILT_IN_TOOLS = TOOL_PURPOSES.keys()
"""Tools that are never called merely because a request has words of their description."""


def render_suggestions(context: ParsedPrompt) -> str:
    """Return a Markdown list of example requests."""
    names = {None, *context.tools}
    lines = [context.localize(en, ru) for name, en, ru in _SUGGESTIONS if name in names]
    lines += [
        context.localize(f"Ask the {tool.title} …", f"Спроси {tool.title} …")
        for tool in context.tools.values()
        if "message" in tool.properties and tool.name not in BUILT_IN_TOOLS
    ]
    return "\n".join(f"- {line}" for line in lines)
