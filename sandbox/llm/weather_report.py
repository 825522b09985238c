"""Results of get_weather in the user's language."""

import re
from collections.abc import Callable
from datetime import date

from sandbox.llm.dates import format_long_date
from sandbox.llm.skill import SkillRequest
from sandbox.llm.tool_result_parsing import format_result
from sandbox.weather.climate import SOURCE

_PLACE = re.compile(r"^Weather in (?P<place>.+) \([^()]+\)$", re.MULTILINE)
_NOW = re.compile(r"^Now, [^:]+:\d\d: (?P<what>.+)$", re.MULTILINE)
_DAY = re.compile(r"^\w{3} (?P<date>\d{4}-\d\d-\d\d): (?P<what>.+)$", re.MULTILINE)
_SOURCE = re.compile(r"^Source: (?P<source>.+)$", re.MULTILINE)

_RUSSIAN_TERMS = {
    "clear": "ясно",
    "mainly clear": "малооблачно",
    "partly cloudy": "переменная облачность",
    "overcast": "пасмурно",
    "fog": "туман",
    "rime fog": "туман с изморозью",
    "light drizzle": "слабая морось",
    "drizzle": "морось",
    "dense drizzle": "сильная морось",
    "light freezing drizzle": "слабая ледяная морось",
    "freezing drizzle": "ледяная морось",
    "light rain": "небольшой дождь",
    "rain": "дождь",
    "heavy rain": "сильный дождь",
    "light freezing rain": "слабый ледяной дождь",
    "freezing rain": "ледяной дождь",
    "light snow": "небольшой снег",
    "snow": "снег",
    "heavy snow": "сильный снег",
    "snow grains": "снежная крупа",
    "light showers": "небольшие ливни",
    "showers": "ливни",
    "violent showers": "сильные ливни",
    "light snow showers": "небольшие снежные заряды",
    "snow showers": "снежные заряды",
    "thunderstorm": "гроза",
    "thunderstorm with hail": "гроза с градом",
    "thunderstorm with heavy hail": "гроза с крупным градом",
    "not known": "неизвестно",
    SOURCE: "песочница, погода выдуманная",
}
_RUSSIAN_PATTERNS = (
    (re.compile(r"^feels like (\S+) °C$"), r"ощущается как \1 °C"),
    (re.compile(r"^(\S+) to (\S+) °C$"), r"от \1 до \2 °C"),
    (re.compile(r"^wind up to (\S+) km/h$"), r"ветер до \1 км/ч"),
    (re.compile(r"^wind (\S+) km/h$"), r"ветер \1 км/ч"),
    (re.compile(r"^precipitation (\S+) mm"), r"осадки \1 мм"),
)


def describe_forecast(
    request: SkillRequest, result: str, is_day_wanted: Callable[[date], bool] | None
) -> str:
    """Describe the wanted days; without a filter, the current weather and all days."""
    place, source = _PLACE.search(result), _SOURCE.search(result)
    if place is None or source is None:
        return format_result(result)
    lines = []
    now = _NOW.search(result)
    if now is not None and is_day_wanted is None:
        lines += [
            f"- {request.localize('Now', 'Сейчас')}: {_translate_conditions(request, now['what'])}"
        ]
    for day in _DAY.finditer(result):
        when = date.fromisoformat(day["date"])
        if is_day_wanted is None or is_day_wanted(when):
            conditions = _translate_conditions(request, day["what"])
            lines.append(f"- {format_long_date(request, when)}: {conditions}")
    named = _translate_term(request, source["source"])
    return "\n".join(
        (
            f"**{place['place']}**",
            "",
            *(lines or [request.localize("No forecast yet.", "Прогноза пока нет.")]),
            "",
            request.localize(f"Source: {named}", f"Источник: {named}"),
        )
    )


def _translate_conditions(request: SkillRequest, what: str) -> str:
    return ", ".join(_translate_term(request, part) for part in what.split(", "))


def _translate_term(request: SkillRequest, part: str) -> str:
    if request.context.language != "ru":
        return part
    for pattern, russian in _RUSSIAN_PATTERNS:
        part = pattern.sub(russian, part)
    return _RUSSIAN_TERMS.get(part, part)
