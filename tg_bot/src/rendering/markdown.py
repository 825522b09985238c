"""A model's Markdown as text with entities, by telegramify-markdown and a few repairs.

Repaired before: see `source`; tables, which entities cannot show. Repaired after: a code block that
the library glues to the line before gets its own line; a link that Telegram refuses is written out.
"""

import structlog
from telegramify_markdown import convert
from telegramify_markdown.config import RenderConfig

from .formatted import Formatted
from .links import is_linkable
from .source import prepare
from .tables import without_tables

log = structlog.stdlib.get_logger()


def render(markdown: str) -> Formatted:
    """The text to send. What cannot be rendered comes as it was written: nothing is lost."""
    try:
        source = without_tables(prepare(markdown))
        text, entities = convert(source, latex_escape=False, config=_configuration())
    except Exception:  # whatever the library trips over, the person gets the answer
        log.exception("markdown could not be rendered")
        return Formatted(markdown.strip())
    formatted = _written_links(_parted_code(Formatted(text, tuple(entities))))
    return Formatted(markdown.strip()) if formatted.is_blank else formatted


def _configuration() -> RenderConfig:
    """Plain signs; the library's default decorates headings and ticks open tasks."""
    configuration = RenderConfig.isolated()
    symbols = configuration.markdown_symbol
    for level in range(1, 7):
        setattr(symbols, f"heading_level_{level}", "")
    symbols.unordered_list_item = "•"
    symbols.task_completed = "✅"
    symbols.task_uncompleted = "⬜"
    return configuration


def _parted_code(formatted: Formatted) -> Formatted:
    """Each code block at the beginning of a line."""
    for index in range(len(formatted.entities)):
        entity = formatted.entities[index]
        position = _position(formatted.text, entity.offset)
        if entity.type == "pre" and position and formatted.text[position - 1] != "\n":
            formatted = formatted.insert(position, "\n")
    return formatted


def _written_links(formatted: Formatted) -> Formatted:
    """Links only where Telegram takes them; the others' addresses in brackets."""
    refused = [e for e in formatted.entities if e.type == "text_link" and not is_linkable(e.url)]
    for link in sorted(refused, key=lambda one: one.offset, reverse=True):
        start = _position(formatted.text, link.offset)
        end = _position(formatted.text, link.offset + link.length)
        others = tuple(entity for entity in formatted.entities if entity is not link)
        formatted = Formatted(formatted.text, others)
        if str(link.url) not in formatted.text[start:end]:
            formatted = formatted.insert(end, f" ({link.url})")
    return formatted


def _position(text: str, offset: int) -> int:
    """The position in the string of an offset in UTF-16 code units."""
    return len(text.encode("utf-16-le")[: offset * 2].decode("utf-16-le"))
