"""The user's time zone and language: “I live in Lisbon”, “мой часовой пояс — Токио”.

After the assistant has asked for the time zone, the name of a place alone is an answer.
"""

import re
from dataclasses import replace
from datetime import datetime

from sandbox.llm.language import Language, detect_language, format_long_date
from sandbox.llm.places import call_tool_with_place
from sandbox.llm.prompt_parsing import ParsedPrompt, get_zone
from sandbox.llm.skill import Skill, SkillRequest, SkillScript
from sandbox.llm.skills.small_talk import WITHDRAWAL
from sandbox.llm.style_rules import find_required_language
from sandbox.llm.tool_result_parsing import find_error, find_time_zone

_TOOL = "change_settings"
_ZONE_QUESTION = "Which time zone are you in?"
"""The beginning of the assistant's question before the first time that depends on the zone."""
_NOW = r"(?:(?:now|currently|сейчас|теперь)\s+)?"
_PLACE = r"(?P<place>[^\W\d_][^?.!,;\n]*)"
_PLACE_STATEMENTS = (
    rf"(?i)\bi\s+{_NOW}live\s+{_NOW}in\s+{_PLACE}",
    rf"(?i)\bi(?:'m| am)\s+{_NOW}(?:living|based)\s+in\s+{_PLACE}",
    rf"(?i)\bmy\s+(?:time ?zone|city|home town)\s+is\s+{_PLACE}",
    rf"(?i)\b(?:set|change|switch)\s+(?:my\s+|the\s+)?time ?zone\s+to\s+{_PLACE}",
    rf"(?i)\bя\s+{_NOW}(?:живу|нахожусь)\s+{_NOW}во?\s+{_PLACE}",
    rf"(?i)\bмой\s+(?:часовой\s+пояс|город)\s*(?:—|-|:|это)?\s*{_PLACE}",
    rf"(?i)\b(?:поставь|установи|смени|поменяй) (?:мне |мой )?часовой пояс на {_PLACE}",
    # the place is capitalised, unlike “I am in a hurry” and “I moved to the kitchen”
    r"\b[Ii](?:'ve| have)?\s+(?:just\s+)?moved\s+to\s+(?P<place>[A-Z][^?.!,;\n]*)",
    r"\b[Яя]\s+(?:переехала?|перебрался|перебралась)\s+во?\s+(?P<place>[А-ЯЁ][^?.!,;\n]*)",
    rf"\b[Ii](?:'m| am)\s+{_NOW}in\s+(?P<place>[A-Z][^?.!,;\n]*)",
    rf"\b[Яя]\s+{_NOW}во?\s+(?P<place>[А-ЯЁ][^?.!,;\n]*)",
)
_TRAILING_WORDS = re.compile(r"(?i)(?:\s+(?:now|currently|time|please|сейчас|теперь|пожалуйста))+$")
_LANGUAGE_REQUEST = re.compile(
    r"(?i)^\W*(?:please\s+|let'?s\s+)?(?:speak|talk|write|answer|reply|switch"
    r"|(?:change|set)\s+(?:the\s+|my\s+|your\s+)?language)(?:\s+(?:to|with)\s+me)?"
    r"(?:\s+(?:in|to))?\s+(?P<en>english|russian)"
    r"(?:\s+(?:please|now|from now on|to me|with me))?\W*$"
    r"|^\W*(?:пожалуйста,?\s+|давай(?:те)?\s+)?(?:говори|пиши|отвечай|общайся|перейди|переключись"
    r"|(?:смени|поменяй)\s+язык)(?:те)?(?:\s+(?:со мной|мне|теперь))?\s+(?:по-|на\s+)"
    r"(?P<ru>англ|русск)\w*(?:\s+язык)?(?:,?\s+пожалуйста)?\W*$"
)
_BARE_PLACE = re.compile(
    r"(?i)^\W*(?:(?:it'?s|in|from|в|во|из|на)\s+)?(?P<place>[^\W\d_][\w/+' -]{1,50}?)\W*$"
)
_MAX_PLACE_WORDS = 4
_KEPT_TIME = re.compile(
    r"(?P<reminder>[^;:]+?) \(\w{3} (?P<at>[\d-]{10} \d\d:\d\d) (?P<zone>\S+), id [\da-f-]{36}\)"
)
"""A one-off reminder that a new time zone does not move."""
_NON_ANSWER = re.compile(r"(?i)^\W*(?:no|nope|not|don't|later|cancel|stop|нет|не|потом|отмена)\b")


def is_request_withdrawn(context: ParsedPrompt) -> bool:
    """Return whether the user has taken back a request while it waited for the time zone."""
    later = context.previous_messages[-1:] if context.has_waited else ()
    return any(WITHDRAWAL.match(message) for message in later)


def resume_waiting_request(context: ParsedPrompt) -> ParsedPrompt:
    """Return the request that had to wait for the time zone, once that is set.

    Without such a request, the prompt is returned unchanged.
    """
    done = (one for one in context.tool_results if one.call.name == _TOOL)
    zone_set = next((one for one in done if find_error(one.content) is None), None)
    if not _was_zone_asked(context) or zone_set is None:
        return context
    *earlier, waiting = context.previous_messages
    zone = find_time_zone(zone_set.content)
    return replace(
        context,
        text=waiting,
        previous_messages=tuple(earlier),
        last_answer="",
        tool_results=tuple(one for one in context.tool_results if one.call.name != _TOOL),
        now=context.now.astimezone(get_zone(zone)) if zone else context.now,
        language=find_required_language(context.instructions) or detect_language(waiting),
    )


def _was_zone_asked(context: ParsedPrompt) -> bool:
    return context.last_answer.startswith(_ZONE_QUESTION) and bool(context.previous_messages)


def _find_place(text: str) -> str:
    """Return the place where the user says to live, or ""."""
    found = filter(None, (re.search(pattern, text) for pattern in _PLACE_STATEMENTS))
    statement = next(found, None)
    return _TRAILING_WORDS.sub("", statement["place"]).strip(" \"'«»") if statement else ""


def _find_bare_place(request: SkillRequest) -> str:
    found = _BARE_PLACE.match(request.text)
    if found is None or not _was_zone_asked(request.context) or _NON_ANSWER.match(request.text):
        return ""
    place = _TRAILING_WORDS.sub("", found["place"])
    return place if len(place.split()) <= _MAX_PLACE_WORDS else ""


def _find_language(text: str) -> Language | None:
    found = _LANGUAGE_REQUEST.search(text)
    if found is None:
        return None
    return "ru" if (found["en"] or found["ru"]).lower() in ("russian", "русск") else "en"


def _change(request: SkillRequest) -> SkillScript:
    tool = request.require_tool(_TOOL)
    if language := _find_language(request.text):
        yield from request.call_tool(tool, language=language)
        return "All right, I speak English." if language == "en" else "Хорошо, говорю по-русски."
    place = _find_place(request.text) or _find_bare_place(request)
    result = request.check_result((yield from call_tool_with_place(tool, place)))
    zone = find_time_zone(result) or place
    answer = request.localize(f"Your time zone is {zone}.", f"Ваш часовой пояс: {zone}.")
    kept = [_describe_kept_time(request, found) for found in _KEPT_TIME.finditer(result)]
    if not kept:
        return answer
    heading = request.localize(
        "These reminders keep the time of the former zone. To change one, write for example “move"
        " the reminder about … to 9”:",
        "Эти напоминания остались во времени прежнего пояса. Чтобы изменить, напишите, например,"
        " «перенеси напоминание про … на 9»:",
    )
    return "\n".join((answer, "", heading, "", *kept))


def _describe_kept_time(request: SkillRequest, found: re.Match[str]) -> str:
    at = datetime.fromisoformat(found["at"])
    when = f"{format_long_date(request.context.language, at)}, {at:%H:%M}"
    return f"- {found['reminder'].strip()} ({when} {found['zone']})"


CHANGE_SETTINGS = Skill(
    lambda request: bool(_find_place(request.text) or _find_language(request.text)), _change
)
ANSWER_ZONE_QUESTION = Skill(
    lambda request: bool(_find_bare_place(request)), _change, can_start_mid_message=False
)
