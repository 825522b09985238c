"""Entities that Telegram detects in a text: links, email addresses, mentions, tags, commands."""

import re
from collections.abc import Iterator

from sandbox.telegram.text.entities import (
    QUOTE_TYPES,
    SPLITTABLE_TYPES,
    Entity,
    FormattedText,
    overlaps,
    sort_key,
    utf16_length,
)

_TOP_DOMAINS = (
    "com|org|net|io|dev|app|ru|de|uk|eu|me|info|ai|gg|tv|xyz|рф|by|kz|ua|fr|jp|us|edu|gov"
)
_TAIL = r"(?:[/?#][^\s<>\"']*)?"
_DOMAIN_URL = rf"(?<![\w@./-])(?:[\w-]+\.)+(?:{_TOP_DOMAINS})(?![\w.-]*\w)(?::\d+)?{_TAIL}"
_PATTERNS = (
    ("email", r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]+\.)+[^\W\d_]{2,24}(?![\w-])"),
    ("url", r"(?i)(?<!\w)(?:https?|ftp)://[^\s<>\"']+"),
    ("url", r"(?i)(?<!\w)tg:(?://)?[^\s<>\"']+"),
    ("url", f"(?i){_DOMAIN_URL}"),
    ("mention", r"(?<!\w)@[a-zA-Z0-9_]{2,32}(?!\w)"),
    ("bot_command", r"(?<![\w/<>])/[a-zA-Z0-9_]{1,64}(?:@[a-zA-Z0-9_]{3,32})?(?![\w/<>])"),
    ("hashtag", r"(?<![\w#])#(?=\w*[^\W\d])\w{1,256}(?![\w#])"),
    ("cashtag", r"(?<![\w$])\$(?:1INCH|[A-Z]{1,8})(?![\w$])"),
)
_TRAILING_PUNCTUATION = ".,:;!?…'\")»”"


def add_detected_entities(formatted: FormattedText) -> FormattedText:
    """Add detected entities outside of links and code; text styles may overlap them."""
    overlapping = (*SPLITTABLE_TYPES, *QUOTE_TYPES)
    taken = [entity for entity in formatted.entities if entity.type not in overlapping]
    added: list[Entity] = []
    for entity in _find_entities(formatted.text):
        if not any(overlaps(entity, other) for other in (*taken, *added)):
            added.append(entity)
    return FormattedText(formatted.text, tuple(sorted([*formatted.entities, *added], key=sort_key)))


def _find_entities(text: str) -> Iterator[Entity]:
    for kind, pattern in _PATTERNS:
        for match in re.finditer(pattern, text):
            found = _trim_punctuation(match[0]) if kind == "url" else match[0]
            yield Entity(kind, utf16_length(text[: match.start()]), utf16_length(found))


def _trim_punctuation(url: str) -> str:
    """Remove trailing punctuation of the surrounding sentence from a URL."""
    while url and url[-1] in _TRAILING_PUNCTUATION:
        if url[-1] == ")" and url.count("(") >= url.count(")"):
            break
        url = url[:-1]
    return url
