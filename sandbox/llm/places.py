"""Place names in a request, and their nominative forms in Russian."""

import re

from sandbox.llm.time_expressions.vocabulary import WEEKDAY_PATTERN

_PLACE = re.compile(
    r"\b(?:in|at|for|в|во|на)\s+(?P<place>(?!the moment|this moment)[^\W\d_][^?.!,;\n]*)",
    re.IGNORECASE,
)
_ZONE = re.compile(r"\b[A-Z][A-Za-z]+/[A-Za-z_/+-]+\b")
_NON_PLACE_PHRASES = re.compile(
    rf"\b(?:(?:on|this|next|в|во)\s+(?:{WEEKDAY_PATTERN})|(?:(?:at|on|for|this|next)\s+)*(?:the\s+)?weekend|"
    r"(?:в|на)\s+(?:эти\s+)?выходн\w+|(?:for\s+)?(?:the\s+)?(?:next\s+)?(?:\d+ days|week)|"
    r"(?:the )?day after tomorrow|right now|now|please|today|tomorrow|currently|is it|this week|"
    r"the next \d+ days|"
    r"сейчас|пожалуйста|сегодня|завтра|прямо|послезавтра|на неделю|на \d+ д\w+|"
    r"на (?:сегодня|завтра|этой неделе|выходные))\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<!^)\b[A-ZА-ЯЁ][\w-]+(?: [A-ZА-ЯЁ][\w-]+)*")
_AND = re.compile(r"\s*(?:,|\band\b|\bи\b)\s*(?:(?:in|в|во)\s+)?", re.IGNORECASE)
_CURRENT_PLACE_WORDS = (
    "here",
    "my place",
    "my city",
    "город",
    "моём городе",
    "день",
    "данный момент",
    "часах",
)


def extract_places(text: str) -> list[str]:
    """Return the places as the user wrote them; empty where none is named."""
    zones = _ZONE.findall(text)
    if zones:
        return list(zones)
    found = _PLACE.search(_NON_PLACE_PHRASES.sub(" ", text))
    if found is None:
        return []
    names = [re.sub(r"^the\s+", "", name.strip(" \"'«»")) for name in _AND.split(found["place"])]
    return [
        " ".join(name.split())
        for name in names
        if name.strip() and name.lower() not in _CURRENT_PLACE_WORDS
    ]


def extract_last_place(text: str) -> str:
    """Return the last place or capitalised name of a text; "" where there is none."""
    found = extract_places(text) or _NAME.findall(_NON_PLACE_PHRASES.sub(" ", text))
    return found[-1] if found else ""


def guess_nominative_forms(place: str) -> list[str]:
    """Return possible nominatives of a Russian name: Москве → Москва, Берлине → Берлин."""
    for ending, stems in (
        ("ии", ("ия",)),
        ("ье", ("ья",)),
        ("е", ("а", "", "о")),
        ("и", ("ь", "а", "ы")),
        ("у", ("", "а")),
        ("ах", ("ы",)),
    ):
        if len(place) > len(ending) + 2 and place.lower().endswith(ending):
            return [place[: -len(ending)] + stem for stem in stems]
    return []
