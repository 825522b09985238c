"""Place names in a request, and their nominative forms in Russian."""

import re

from sandbox.llm.prompt_parsing import ToolCall, ToolDefinition
from sandbox.llm.skill import SkillScript
from sandbox.llm.time_expressions.vocabulary import WEEKDAY_PATTERN
from sandbox.llm.tool_result_parsing import find_error

_PLACE = re.compile(
    r"(?i)\b(?:in|at|for|в|во|на)\s+(?P<place>(?!the moment|this moment)[^\W\d_][^?.!,;\n]*)"
)
_ZONE = re.compile(r"\b[A-Z][A-Za-z]+/[A-Za-z_/+-]+\b")
_NON_PLACE_PHRASES = re.compile(
    rf"(?i)\b(?:(?:on|this|next|в|во)\s+(?:{WEEKDAY_PATTERN})"
    r"|(?:(?:at|on|for|this|next)\s+)*(?:the\s+)?weekend|(?:в|на)\s+(?:эти\s+)?выходн\w+"
    r"|(?:for\s+)?(?:the\s+)?(?:next\s+)?(?:\d+ days|week)|(?:the )?day after tomorrow"
    r"|right now|now|please|today|tomorrow|currently|is it|this week|the next \d+ days"
    r"|сейчас|пожалуйста|сегодня|завтра|прямо|послезавтра|на неделю|на \d+ д\w+"
    r"|на (?:сегодня|завтра|этой неделе|выходные))\b"
)
_NAME = re.compile(r"(?<!^)\b[A-ZА-ЯЁ][\w-]+(?: [A-ZА-ЯЁ][\w-]+)*")
_AND = re.compile(r"(?i)\s*(?:,|\band\b|\bи\b)\s*(?:(?:in|в|во)\s+)?")
_CURRENT_PLACE = re.compile(r"(?i)here|my place|my city|город|моём городе|день|данный момент|часах")


def extract_places(text: str) -> list[str]:
    """Return the places as the user wrote them; empty if none is named."""
    if zones := _ZONE.findall(text):
        return list(zones)
    found = _PLACE.search(_NON_PLACE_PHRASES.sub(" ", text))
    if found is None:
        return []
    names = [re.sub(r"^the\s+", "", name.strip(" \"'«»")) for name in _AND.split(found["place"])]
    return [
        " ".join(name.split())
        for name in names
        if name.strip() and not _CURRENT_PLACE.fullmatch(name)
    ]


def extract_last_place(text: str) -> str:
    """Return the last place or capitalised name of a text; "" if there is none."""
    found = extract_places(text) or _NAME.findall(_NON_PLACE_PHRASES.sub(" ", text))
    return found[-1] if found else ""


def guess_nominative_forms(place: str) -> list[str]:
    """Return possible nominatives of a Russian name: Москве → Москва, Берлине → Берлин."""
    for ending, nominative_endings in (
        ("ии", ("ия",)),
        ("ье", ("ья",)),
        ("е", ("а", "", "о")),
        ("и", ("ь", "а", "ы")),
        ("у", ("", "а")),
        ("ах", ("ы",)),
    ):
        if len(place) > len(ending) + 2 and place.lower().endswith(ending):
            return [place[: -len(ending)] + nominative for nominative in nominative_endings]
    return []


def call_tool_with_place(
    tool: ToolDefinition, place: str, *, unknown_place_error: str = "", days: int | None = None
) -> SkillScript:
    """Call a tool with the forms of a name until it knows the place.

    Returns the result, or the first error if it knows none of them. A tool's error that lacks
    the text `unknown_place_error` ends the search.
    """
    failures = []
    for form in (place, *guess_nominative_forms(place)):
        given = {"place": form, "days": days}
        names = [name for name, value in given.items() if value and name in tool.properties]
        result = yield ToolCall(tool.name, {name: given[name] for name in names})
        error = find_error(result)
        if error is None:
            return result
        failures.append(result)
        if unknown_place_error not in error:
            break
    return failures[0]
