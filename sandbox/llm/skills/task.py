"""Tasks: create one, list them."""

import re
from datetime import UTC, date, datetime, timedelta

from sandbox.llm.skill import Skill, SkillRequest, SkillScript, build_matcher
from sandbox.llm.task_and_reminder_lists import describe_due, show_entries
from sandbox.llm.time_expressions import TimeExpression
from sandbox.llm.time_expressions.one_off import find_one_off

_TASK_PHRASE = (
    r"(?:(?:a|an|new|another|urgent|important|(?:high|low)[- ]priority)\s+)*(?:task|to-?do)"
)
_CREATE_TRIGGER = re.compile(
    rf"(?i)\b(?:add|create|make|new|note|write down)\s+(?:me\s+)?{_TASK_PHRASE}\b"
    r"|\b(?:добавь|создай|запиши|поставь|нов)\w*\s+(?:мне\s+)?"
    r"(?:(?:нов|не?срочн|не?важн|срочн|важн)\w+\s+)*(?:задач\w+|дело)\b"
    r"|^\W*(?:task|to-?do|задача)\s*:"
)
_ADD_TO_LIST_TRIGGER = re.compile(
    r"(?is)^\W*(?:please\s+)?(?:add|put)\s+(?P<en>.+?)\s+(?:to|on|into)\s+(?:my\s+|the\s+)?"
    r"(?:tasks?|to-?dos?)(?:\s+list)?\b(?P<en_rest>.*)$"
    r"|^\W*(?:добавь|запиши|внеси|поставь)\w*\s+(?P<ru>.+?)\s+в\s+(?:мои\s+|список\s+)*"
    r"(?:задач\w*|дел\w*)\b(?P<ru_rest>.*)$"
    r"|^\W*(?:please\s+)?(?:add|put)\s+(?:to|on)\s+(?:my\s+|the\s+)?(?:to-?do list|tasks)\W+"
    r"(?P<en_title>.+)$"
    r"|^\W*(?:добавь|запиши|внеси)\w*\s+в\s+(?:мои\s+|список\s+)*(?:задач\w*|дел\w*)\W+"
    r"(?P<ru_title>.+)$"
)
_PRIORITY_COMMANDS = {
    "high": re.compile(r"(?i)\b(?:urgent|important|high|срочн|важн)"),
    "low": re.compile(r"(?i)\b(?:low|несрочн|неважн)"),
}
"""For “an urgent task”."""
_PRIORITY_ENDS = {
    "high": re.compile(
        r"(?i)[\s,;(—-]+(?:(?:with\s+)?high(?:est)?\s+priority|с\s+высоким\s+приоритетом)\b\)?"
        r"|\s*[,;(—-]\s*(?:urgent(?:ly)?|important|asap|срочно|важно)\b\W*$"
    ),
    "low": re.compile(
        r"(?i)[\s,;(—-]+(?:(?:with\s+)?low(?:est)?\s+priority|с\s+низким\s+приоритетом)\b\)?"
        r"|\s*[,;(—-]\s*(?:not urgent|can wait|не срочно|не к спеху|несрочно)\b\W*$"
    ),
}
"""For “pay the rent, urgent”."""
_LIST_TRIGGER = re.compile(
    r"(?is)\b(?:list|show|see|what|which|any)\b.*\b(?:tasks|to-?dos|to-?do list)\b"
    r"|\bmy (?:\w+ )?tasks\b|\bwhat (?:do i have|have i got) to do\b"
    r"|\b(?:покажи|какие|список|все|есть)\b.*\bзадач\w*|\bмои (?:\w+ )?(?:задачи|дела)\b"
    r"|\b(?:покажи|какие|что)\b.*\b(?:списк[еу] дел|список дел|у меня дела)\b"
    r"|\bчто (?:мне )?(?:ещё )?(?:нужно|надо|осталось) с?делать\b"
)
_DONE_FILTER = re.compile(
    r"(?i)\b(?:done|finished|completed|выполн(?:ил|енн)\w*|сдела(?:л|нн)\w*|заверш[её]нн\w+)\b"
)
_LEADING_WORDS = re.compile(r"(?i)^(?:[\s,:—-]|(?:to|that|чтобы)\s)+")
_TRAILING_PREPOSITION = re.compile(r"(?i)\s+(?:by|until|till|before|due|on|for|до|к|на|срок)\W*$")


def _create(request: SkillRequest) -> SkillScript:
    tool = request.require_tool("create_task")
    title, priority = _extract_title(request.text)
    if not title:
        return request.localize(
            "What is the task? For example: “Add a task: buy milk”.",
            "Какая задача? Например: «Добавь задачу: купить молоко».",
        )
    when = find_one_off(title, request.context.now)
    due = to_due(when, request.context.now) if when and when.remaining_text else None
    if when and due:
        title = _TRAILING_PREPOSITION.sub("", when.remaining_text)
    title = title.strip(" .!,:")
    yield from request.call_tool(tool, title=title, due=due and due.isoformat(), priority=priority)
    behind = f", {describe_due(request, due)}" if due else ""
    return request.localize(
        f"I added the task “{title}”{behind}.", f"Записал задачу «{title}»{behind}."
    )


def _extract_title(text: str) -> tuple[str, str | None]:
    """Return the title, still with its due date, and the priority if one is named."""
    if command := _CREATE_TRIGGER.search(text):
        start, rest = command[0], text[command.end() :]
    else:
        added = _ADD_TO_LIST_TRIGGER.search(text)
        assert added is not None, "the skill matches one of the two patterns"
        start, rest = "", "".join(filter(None, added.groups())).strip('“”"«»')
    priority = None
    for name, end in _PRIORITY_ENDS.items():
        title = end.sub("", rest)
        if title != rest or _PRIORITY_COMMANDS[name].search(start):
            priority, rest = name, title
    return _LEADING_WORDS.sub("", rest).strip(), priority


def to_due(when: TimeExpression, now: datetime) -> date | None:
    """Return a date, or the user's local time if one is given."""
    if when.in_seconds is None:
        return when.at if when.at is None or when.has_time else when.at.date()
    later = (now.astimezone(UTC) + timedelta(seconds=when.in_seconds)).astimezone(now.tzinfo)
    return later.date() if later.time() == now.time() else later.replace(tzinfo=None)


def _list(request: SkillRequest) -> SkillScript:
    return show_entries(
        request,
        request.require_tool("list_tasks"),
        "done" if _DONE_FILTER.search(request.text) else None,
        request.localize("Your tasks:", "Ваши задачи:"),
        request.localize("There are no such tasks.", "Таких задач нет."),
    )


CREATE_TASK = Skill(build_matcher(_CREATE_TRIGGER, _ADD_TO_LIST_TRIGGER), _create)
LIST_TASKS = Skill(build_matcher(_LIST_TRIGGER), _list)
