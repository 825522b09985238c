"""Renders a model's Markdown as text with entities, by telegramify-markdown.

Before: `sanitizer` repairs the source, and `tables` replaces tables, which entities cannot show.
After: a code block that the library appends to the line before it gets a line of its own, and links
that Telegram refuses are written out.
"""

import structlog
from telegramify_markdown import convert
from telegramify_markdown.config import RenderConfig

from .formatted_text import FormattedText, is_blank
from .inlines import is_linkable
from .sanitizer import sanitize_markdown
from .tables import replace_tables

log = structlog.stdlib.get_logger()


def render_markdown(markdown: str) -> FormattedText:
    """Return the text to send; the Markdown itself if it cannot be rendered."""
    try:
        source = replace_tables(sanitize_markdown(markdown))
        text, entities = convert(source, latex_escape=False, config=_build_config())
    except Exception:  # an error of the library must not lose the answer
        log.exception("markdown rendering failed")
        return FormattedText(markdown.strip())
    formatted = _expand_refused_links(_separate_code_blocks(FormattedText(text, tuple(entities))))
    return FormattedText(markdown.strip()) if is_blank(formatted.text) else formatted


def _build_config() -> RenderConfig:
    """Return plain symbols: the library's defaults decorate headings and check open tasks."""
    configuration = RenderConfig.isolated()
    symbols = configuration.markdown_symbol
    for level in range(1, 7):
        setattr(symbols, f"heading_level_{level}", "")
    symbols.unordered_list_item = "•"
    symbols.task_completed = "✅"
    symbols.task_uncompleted = "⬜"
    return configuration


def _separate_code_blocks(formatted: FormattedText) -> FormattedText:
    for index in range(len(formatted.entities)):
        entity = formatted.entities[index]
        position = _utf16_to_index(formatted.text, entity.offset)
        if entity.type == "pre" and position and formatted.text[position - 1] != "\n":
            formatted = formatted.insert(position, "\n")
    return formatted


def _expand_refused_links(formatted: FormattedText) -> FormattedText:
    links = [entity for entity in formatted.entities if entity.type == "text_link"]
    for link in sorted(links, key=lambda entity: entity.offset, reverse=True):
        if is_linkable(link.url):
            continue
        start = _utf16_to_index(formatted.text, link.offset)
        end = _utf16_to_index(formatted.text, link.offset + link.length)
        others = tuple(entity for entity in formatted.entities if entity is not link)
        formatted = FormattedText(formatted.text, others)
        if str(link.url) not in formatted.text[start:end]:
            formatted = formatted.insert(end, f" ({link.url})")
    return formatted


def _utf16_to_index(text: str, offset: int) -> int:
    """Return the string index of an offset in UTF-16 code units."""
    return len(text.encode("utf-16-le")[: offset * 2].decode("utf-16-le"))
