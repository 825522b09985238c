"""Tasks: create one, list them, finish or cancel one."""

import re
from datetime import date, timedelta

from sandbox.llm.skill import Skill, SkillRequest, SkillScript, build_matcher
from sandbox.llm.task_and_reminder_lists import choose_entry, describe_due, show_entries
from sandbox.llm.time_expressions import TimeExpression, find_time_expression

_TASK_PHRASE = (
    r"(?:a\s+|an\s+|new\s+|another\s+|urgent\s+|important\s+|high[- ]priority\s+)*(?:task|to-?do)"
)
_CREATE_TRIGGER = re.compile(
    rf"(?i)\b(?:add|create|make|new|note|write down)\s+(?:me\s+)?{_TASK_PHRASE}\b"
    r"|\b(?:добавь|создай|запиши|поставь|нов)\w*\s+(?:мне\s+)?"
    r"(?:(?:нов|срочн|важн)\w+\s+)*(?:задач\w+|дело)\b"
    r"|^\W*(?:task|to-?do|задача)\s*:"
)
_ADD_TO_LIST_TRIGGER = re.compile(
    r"(?is)^\W*(?:please\s+)?(?:add|put)\s+(?P<en>.+?)\s+(?:to|on|into)\s+(?:my\s+|the\s+)?"
    r"(?:tasks?|to-?dos?)(?:\s+list)?\b(?P<en_rest>.*)$"
    r"|^\W*(?:добавь|запиши|внеси|поставь)\w*\s+(?P<ru>.+?)\s+в\s+(?:мои\s+|список\s+)*"
    r"(?:задач\w*|дел\w*)\b(?P<ru_rest>.*)$"
)
_URGENT_TASK = re.compile(r"(?i)\b(?:urgent|important|high|срочн|важн)")
_URGENT = re.compile(
    r"(?i)[\s,;(—-]+(?:(?:with\s+)?high(?:est)?\s+priority|с\s+высоким\s+приоритетом)\b\)?"
    r"|\s*[,;(—-]\s*(?:urgent(?:ly)?|important|asap|срочно|важно)\b\W*$"
)
_LIST_TRIGGER = re.compile(
    r"(?is)\b(?:list|show|see|what|which|any)\b.*\b(?:tasks|to-?dos)\b|\bmy (?:\w+ )?tasks\b"
    r"|\b(?:покажи|какие|список|все|есть)\b.*\bзадач\w*|\bмои (?:\w+ )?задачи\b"
)
_DONE_FILTER = re.compile(
    r"(?i)\b(?:done|finished|completed|выполненн\w+|сделанн\w+|завершённ\w+|завершенн\w+)\b"
)
_FINISH_TRIGGER = re.compile(
    r"(?is)\b(?:mark|tick|check|cross)\b.*\b(?:tasks?|to-?dos?|done|off)\b"
    r"|\b(?:finish|complete|close)\b.*\b(?:task|to-?do)\b|\bdone with (?:\w+ )?task\b"
    r"|\btask\b.*\b(?:is|are)\s+(?:done|finished|completed?)\b"
    r"|\b(?:отметь|заверши|закрой|закончи)\w*\s.*\b(?:задач\w*|дело)\b"
    r"|\bзадач[аиу]\b.*\b(?:сделан[ао]?|выполнен[ао]?|готов[ао]|завершен[ао]|завершён)\b"
    r"|\bотметь\w*\s.*\b(?:выполненн\w+|сделанн\w+)\b"
)
_CANCEL_TRIGGER = re.compile(
    r"(?is)\b(?:cancel|delete|remove|drop)\b.*\b(?:task|to-?do)\b"
    r"|\b(?:отмени|удали|убери)\w*\s.*\bзадач[уи]\b"
)
_COMMAND_WORDS = re.compile(
    r"(?i)\b(?:mark|tick|check|cross|finish|complete|close|cancel|delete|remove|drop|done|finished"
    r"|completed|tasks?|to-?dos?|list|off|from|with|отметь\w*|заверши\w*|закрой\w*|закончи\w*"
    r"|отмени\w*|удали\w*|убери\w*|задач\w*|дел[оа]?|как|из|список|списка|сделан\w*|выполнен\w*"
    r"|готов\w*|завершен\w*|завершён\w*)\b"
)
_LEADING_WORDS = re.compile(r"(?i)^(?:[\s,:—-]|(?:to|that|чтобы)\s)+")
_TRAILING_PREPOSITION = re.compile(r"(?i)\s+(?:by|until|till|before|due|on|for|до|к|на|срок)\W*$")


def _create(request: SkillRequest) -> SkillScript:
    tool = request.require_tool("create_task")
    title, is_urgent = _extract_title(request.text)
    if not title:
        return request.localize(
            "What is the task? For example: “Add a task: buy milk”.",
            "Какая задача? Например: «Добавь задачу: купить молоко».",
        )
    when = find_time_expression(title, request.context.now)
    due = _to_due(request, when) if when and when.remaining_text else None
    if when and due:
        title = _TRAILING_PREPOSITION.sub("", when.remaining_text)
    title = title.strip(" .!,:")
    priority = "high" if is_urgent else None
    yield from request.call_tool(tool, title=title, due=due and due.isoformat(), priority=priority)
    behind = f", {describe_due(request, due)}" if due else ""
    return request.localize(
        f"I added the task “{title}”{behind}.", f"Записал задачу «{title}»{behind}."
    )


def _extract_title(text: str) -> tuple[str, bool]:
    """Return the title, still with its due date, and whether the task is urgent."""
    is_urgent = False
    if command := _CREATE_TRIGGER.search(text):
        rest = text[command.end() :]
        is_urgent = bool(_URGENT_TASK.search(command[0]))
    else:
        added = _ADD_TO_LIST_TRIGGER.search(text)
        assert added is not None, "the skill matches one of the two patterns"
        rest = "".join(filter(None, added.groups()))
    title = _URGENT.sub("", rest)
    return _LEADING_WORDS.sub("", title).strip(), is_urgent or title != rest


def _to_due(request: SkillRequest, when: TimeExpression) -> date | None:
    """Return a date, or the user's local time if one is given; None for recurring times."""
    if when.at is not None:
        return when.at if when.has_time else when.at.date()
    if when.in_seconds is None:
        return None
    ahead = timedelta(seconds=when.in_seconds)
    moment = request.context.now.replace(tzinfo=None) + ahead
    return moment if ahead % timedelta(days=1) else moment.date()


def _list(request: SkillRequest) -> SkillScript:
    return show_entries(
        request,
        request.require_tool("list_tasks"),
        "done" if _DONE_FILTER.search(request.text) else None,
        request.localize("Your tasks:", "Ваши задачи:"),
        request.localize("There are no such tasks.", "Таких задач нет."),
    )


def _close(request: SkillRequest) -> SkillScript:
    """Find the task that is meant, then change its status."""
    changing_tool = request.require_tool("change_task")
    task = yield from choose_entry(
        request,
        request.require_tool("list_tasks"),
        _COMMAND_WORDS.sub(" ", request.text),
        request.localize("There are no open tasks.", "Открытых задач нет."),
        request.localize("Which one do you mean?", "Какую именно?"),
    )
    is_done = _FINISH_TRIGGER.search(request.text) is not None
    status = "done" if is_done else "cancelled"
    yield from request.call_tool(changing_tool, id=task.id, status=status)
    status_ru = "выполнена" if is_done else "отменена"
    return request.localize(f"“{task.title}” is {status}.", f"Задача «{task.title}» {status_ru}.")


CREATE_TASK = Skill(build_matcher(_CREATE_TRIGGER, _ADD_TO_LIST_TRIGGER), _create)
CLOSE_TASK = Skill(build_matcher(_FINISH_TRIGGER, _CANCEL_TRIGGER), _close)
LIST_TASKS = Skill(build_matcher(_LIST_TRIGGER), _list)
