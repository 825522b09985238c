"""`parse_mode=HTML` with TDLib's tags, tolerance and error texts."""

import re
from dataclasses import dataclass, field

from sandbox.telegram.text.entities import Entity
from sandbox.telegram.text.entity_builder import SPACES, EntityBuilder, MarkupError

_TAG_TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
}
_TAGS = {*_TAG_TYPES, "a", "pre", "code", "blockquote", "tg-emoji", "tg-time"}
_CHARACTER_REFERENCE = re.compile(
    r"&(?:#x([0-9a-fA-F]{1,7})|#(\d{1,8})|(lt|gt|amp|quot)(?![a-zA-Z]));?"
)
_NAMED_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass
class _OpenTag:
    name: str
    start: int
    text_start: int
    attributes: dict[str, str] = field(default_factory=dict)


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Return plain text and entities. Raises MarkupError."""
    parser = _HtmlParser(source)
    parser.run()
    found = parser.builder.entities
    return parser.builder.get_text(), [
        Entity(one.type, one.offset, one.length) if one.type == "code" else one for one in found
    ]


class _HtmlParser:
    def __init__(self, source: str) -> None:
        self.builder = EntityBuilder(source)
        self.open_tags: list[_OpenTag] = []

    def run(self) -> None:
        builder = self.builder
        while not builder.is_at_end():
            if builder.peek() == "<":
                self._read_end_tag() if builder.peek(1) == "/" else self._read_start_tag()
            else:
                builder.write(self._read_character())
        if self.open_tags:
            name = self.open_tags[-1].name
            raise MarkupError(f'Can\'t find end tag corresponding to start tag "{name}"')
        if _SURROGATE.search(builder.get_text()):
            raise MarkupError(
                "Text contains invalid Unicode characters after decoding HTML entities, "
                "check for unmatched surrogate code units"
            )

    def _read_character(self) -> str:
        builder = self.builder
        found = _CHARACTER_REFERENCE.match(builder.source, builder.position)
        decoded = _decode_reference(found) if found else None
        if found and decoded:
            builder.position = found.end()
            return decoded
        builder.position += 1
        return builder.source[builder.position - 1]

    def _read_word(self, stops: str) -> str:
        """Read up to a space, the end or one of these characters."""
        builder, start = self.builder, self.builder.position
        while builder.peek() and builder.peek() not in SPACES + stops:
            builder.position += 1
        return builder.source[start : builder.position]

    def _skip_spaces(self) -> None:
        while self.builder.peek() and self.builder.peek() in SPACES:
            self.builder.position += 1

    def _read_start_tag(self) -> None:
        builder = self.builder
        begin = builder.get_byte_offset(builder.position)
        builder.position += 1
        name = self._read_word(">").lower()
        if builder.is_at_end():
            raise MarkupError(f"Unclosed start tag at byte offset {begin}")
        if name not in _TAGS:
            raise MarkupError(f'Unsupported start tag "{name}" at byte offset {begin}')
        tag = _OpenTag(name, builder.length, len(builder.get_text()))
        self._skip_spaces()
        while builder.peek() != ">":
            self._read_attribute(tag, begin)
            self._skip_spaces()
        builder.position += 1
        if name == "span" and tag.attributes.get("class") != "tg-spoiler":
            raise MarkupError(f'Tag "span" must have class "tg-spoiler" at byte offset {begin}')
        self.open_tags.append(tag)

    def _read_attribute(self, tag: _OpenTag, begin: int) -> None:
        builder = self.builder
        name = self._read_word("=>").lower()
        if not name:
            if builder.is_at_end():
                raise MarkupError(f'Unclosed start tag "{tag.name}" at byte offset {begin}')
            raise MarkupError(
                f'Empty attribute name in the tag "{tag.name}" at byte offset {begin}'
            )
        self._skip_spaces()
        if builder.peek() != "=":
            tag.attributes[name] = ""
            return
        builder.position += 1
        self._skip_spaces()
        if builder.is_at_end():
            raise MarkupError(f'Unclosed start tag "{tag.name}" at byte offset {begin}')
        tag.attributes[name] = self._read_value(begin)

    def _read_value(self, begin: int) -> str:
        builder = self.builder
        quote = builder.peek()
        if quote in "'\"":
            builder.position += 1
            value: list[str] = []
            while builder.peek() and builder.peek() != quote:
                value.append(self._read_character())
            builder.position += 1
        else:
            start = builder.position
            while re.match(r"[a-zA-Z0-9.-]", builder.peek()):
                builder.position += 1
            value = [builder.source[start : builder.position].lower()]
            if builder.peek() not in SPACES + ">":
                where = builder.get_byte_offset(start)
                raise MarkupError(f"Unexpected end of name token at byte offset {where}")
        if builder.is_at_end():
            raise MarkupError(f"Unclosed start tag at byte offset {begin}")
        return "".join(value)

    def _read_end_tag(self) -> None:
        builder = self.builder
        begin = builder.get_byte_offset(builder.position)
        if not self.open_tags:
            raise MarkupError(f"Unexpected end tag at byte offset {begin}")
        builder.position += 2
        name = self._read_word(">").lower()
        self._skip_spaces()
        if builder.peek() != ">":
            raise MarkupError(f"Unclosed end tag at byte offset {begin}")
        builder.position += 1
        tag = self.open_tags.pop()
        if name and name != tag.name:
            raise MarkupError(
                f"Unmatched end tag at byte offset {begin}, "
                f'expected "</{tag.name}>", found "</{name}>"'
            )
        self._close_tag(tag)

    def _close_tag(self, tag: _OpenTag) -> None:
        builder = self.builder
        if tag.name in _TAG_TYPES:
            builder.add_entity(_TAG_TYPES[tag.name], tag.start)
        elif tag.name == "a":
            builder.add_link(
                tag.start, tag.attributes.get("href") or builder.get_text()[tag.text_start :]
            )
        elif tag.name == "blockquote":
            expandable = "expandable" in tag.attributes
            builder.add_entity("expandable_blockquote" if expandable else "blockquote", tag.start)
        elif tag.name == "tg-time":
            self._add_time(tag)
        elif tag.name in ("pre", "code"):
            self._add_code(tag)

    def _add_time(self, tag: _OpenTag) -> None:
        shape = tag.attributes.get("format", "")
        unix_time = tag.attributes.get("unix", "")
        if not self.builder.add_time(tag.start, f"tg://time?unix={unix_time}&format={shape}"):
            raise MarkupError("Invalid date-time entity specified")

    def _add_code(self, tag: _OpenTag) -> None:
        """Add an entity; `pre` and `code class="language-…"` over the same text become one."""
        builder = self.builder
        language = tag.attributes.get("class", "").removeprefix("language-")
        language = language if tag.name == "code" and "class" in tag.attributes else ""
        before = builder.entities[-1] if builder.entities else None
        other = "code" if tag.name == "pre" else "pre"
        if before and before.type == other and before.offset == tag.start:
            language = language or before.details.get("language", "")
            if before.end == builder.length and language:
                builder.entities.pop()
                builder.add_entity("pre", tag.start, language=language)
                return
        details = {"language": language} if language else {}
        builder.add_entity(tag.name, tag.start, **details)


def _decode_reference(found: re.Match[str]) -> str | None:
    """Return the character, or None where TDLib leaves the reference unchanged."""
    hexadecimal, decimal, name = found.groups()
    if name:
        return _NAMED_CHARACTERS[name]
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return chr(code) if 0 < code < 0x10FFFF else None
