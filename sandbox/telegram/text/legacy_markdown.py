"""`parse_mode=Markdown`: Telegram's first dialect, without nesting."""

import re

from sandbox.telegram.text.entities import Entity
from sandbox.telegram.text.entity_builder import EntityBuilder, MarkupError

_MARK_TYPES = {"_": "italic", "*": "bold", "`": "code"}
_LANGUAGE = re.compile(r"([^\s`]+)(?=\s)")
_LINE_BREAK = re.compile(r"\r\n|\n\r|\n|\r")


def parse_legacy_markdown(source: str) -> tuple[str, list[Entity]]:
    """Return plain text and entities. Raises MarkupError."""
    builder = EntityBuilder(source)
    while not builder.is_at_end():
        character = builder.peek()
        if character == "\\" and builder.peek(1) and builder.peek(1) in "_*`[":
            builder.write(builder.peek(1))
            builder.position += 2
        elif builder.starts_with("```"):
            _parse_pre(builder)
        elif character in _MARK_TYPES:
            start = builder.length
            _write_until(builder, character, builder.position, skip=1)
            builder.add_entity(_MARK_TYPES[character], start)
        elif character == "[":
            _parse_link(builder)
        else:
            builder.write(character)
            builder.position += 1
    return builder.get_text(), builder.entities


def _write_until(builder: EntityBuilder, closing_mark: str, begin: int, *, skip: int) -> str:
    """Write the text before the closing mark and move behind the mark."""
    builder.position += skip
    end = builder.source.find(closing_mark, builder.position)
    if end < 0:
        where = builder.get_byte_offset(begin)
        raise MarkupError(f"Can't find end of the entity starting at byte offset {where}")
    inside = builder.source[builder.position : end]
    builder.write(inside)
    builder.position = end + len(closing_mark)
    return inside


def _parse_pre(builder: EntityBuilder) -> None:
    begin, start = builder.position, builder.length
    builder.position += 3
    found = _LANGUAGE.match(builder.source, builder.position)
    if found:
        builder.position = found.end()
    line_break = _LINE_BREAK.match(builder.source, builder.position)
    if line_break:
        builder.position = line_break.end()
    _write_until(builder, "```", begin, skip=0)
    builder.add_entity("pre", start, **({"language": found[1]} if found else {}))


def _parse_link(builder: EntityBuilder) -> None:
    start = builder.length
    url = _write_until(builder, "]", builder.position, skip=1)
    if builder.peek() == "(":
        end = builder.source.find(")", builder.position)
        end = len(builder.source) if end < 0 else end
        url = builder.source[builder.position + 1 : end]
        builder.position = end + 1
    builder.add_link(start, url)
