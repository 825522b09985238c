"""Results of get_weather in the user's language."""

import re
from collections.abc import Callable
from datetime import date

from sandbox.llm.language import format_long_date
from sandbox.llm.skill import SkillRequest
from sandbox.llm.tool_result_parsing import format_result
from sandbox.weather.invented_weather import SOURCE

DayFilter = Callable[[date], bool] | None

_PLACE = re.compile(r"(?m)^Weather in (?P<place>.+) \([^()]+\)$")
_NOW = re.compile(r"(?m)^Now, [^:]+:\d\d: (?P<conditions>.+)$")
_DAY = re.compile(r"(?m)^\w{3} (?P<date>\d{4}-\d\d-\d\d): (?P<conditions>.+)$")
_SOURCE = re.compile(r"(?m)^Source: (?P<source>.+)$")

_RUSSIAN_CONDITIONS = """
    clear: ясно; mainly clear: малооблачно; partly cloudy: переменная облачность;
    overcast: пасмурно; fog: туман; rime fog: туман с изморозью; light drizzle: слабая морось;
    drizzle: морось; dense drizzle: сильная морось; light freezing drizzle: слабая ледяная морось;
    freezing drizzle: ледяная морось; light rain: небольшой дождь; rain: дождь;
    heavy rain: сильный дождь; light freezing rain: слабый ледяной дождь;
    freezing rain: ледяной дождь; light snow: небольшой снег; snow: снег; heavy snow: сильный снег;
    snow grains: снежная крупа; light showers: небольшие ливни; showers: ливни;
    violent showers: сильные ливни; light snow showers: небольшие снежные заряды;
    snow showers: снежные заряды; thunderstorm: гроза; thunderstorm with hail: гроза с градом;
    thunderstorm with heavy hail: гроза с крупным градом; not known: неизвестно
"""
_RUSSIAN_TERMS = {SOURCE: "песочница, погода выдуманная"} | dict(
    term.strip().split(": ") for term in _RUSSIAN_CONDITIONS.split(";")
)
_RUSSIAN_PATTERNS = {
    r"^feels like (\S+) °C$": r"ощущается как \1 °C",
    r"^(\S+) to (\S+) °C$": r"от \1 до \2 °C",
    r"^wind up to (\S+) km/h$": r"ветер до \1 км/ч",
    r"^wind (\S+) km/h$": r"ветер \1 км/ч",
    r"^precipitation (\S+) mm": r"осадки \1 мм",
}


def describe_forecast(request: SkillRequest, result: str, is_day_wanted: DayFilter) -> str:
    """Describe the wanted days; without a filter, the current weather and all days."""
    place, source, now = (pattern.search(result) for pattern in (_PLACE, _SOURCE, _NOW))
    if place is None or source is None:
        return format_result(result)
    lines = []
    if now and is_day_wanted is None:
        lines.append((request.localize("Now", "Сейчас"), now["conditions"]))
    for found in _DAY.finditer(result):
        day = date.fromisoformat(found["date"])
        if is_day_wanted is None or is_day_wanted(day):
            lines.append((format_long_date(request.context.language, day), found["conditions"]))
    days = [f"- {when}: {_translate(request, conditions)}" for when, conditions in lines]
    forecast = "\n".join(days) or request.localize("No forecast yet.", "Прогноза пока нет.")
    source_name = _translate_term(request, source["source"])
    source_line = request.localize(f"Source: {source_name}", f"Источник: {source_name}")
    return f"**{place['place']}**\n\n{forecast}\n\n{source_line}"


def _translate(request: SkillRequest, conditions: str) -> str:
    return ", ".join(_translate_term(request, term) for term in conditions.split(", "))


def _translate_term(request: SkillRequest, term: str) -> str:
    if request.context.language != "ru":
        return term
    for pattern, russian in _RUSSIAN_PATTERNS.items():
        term = re.sub(pattern, russian, term)
    return _RUSSIAN_TERMS.get(term, term)
