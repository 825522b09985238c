"""`parse_mode=HTML`, with TDLib's tags, tolerance and error texts."""

import re
from dataclasses import dataclass, field

from sandbox.telegram.text.builder import SPACES, Builder, MarkupError
from sandbox.telegram.text.entities import Entity

_TYPES = {
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
_TAGS = {*_TYPES, "a", "pre", "code", "blockquote", "tg-emoji", "tg-time"}
_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]{1,7})|#(\d{1,8})|(lt|gt|amp|quot)(?![a-zA-Z]));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass
class _Tag:
    name: str
    start: int
    written_from: int
    attributes: dict[str, str] = field(default_factory=dict)


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Plain text and entities. Raises MarkupError."""
    parser = _Parser(source)
    parser.run()
    found = parser.builder.entities
    return parser.builder.text(), [
        Entity(one.type, one.offset, one.length) if one.type == "code" else one for one in found
    ]


class _Parser:
    def __init__(self, source: str) -> None:
        self.builder = Builder(source)
        self.open: list[_Tag] = []

    def run(self) -> None:
        builder = self.builder
        while not builder.at_end():
            if builder.peek() == "<":
                self._end_tag() if builder.peek(1) == "/" else self._start_tag()
            else:
                builder.write(self._character())
        if self.open:
            name = self.open[-1].name
            raise MarkupError(f'Can\'t find end tag corresponding to start tag "{name}"')
        if _SURROGATE.search(builder.text()):
            raise MarkupError(
                "Text contains invalid Unicode characters after decoding HTML entities, "
                "check for unmatched surrogate code units"
            )

    def _character(self) -> str:
        builder = self.builder
        found = _REFERENCE.match(builder.source, builder.position)
        decoded = _decoded(found) if found else None
        if found and decoded:
            builder.position = found.end()
            return decoded
        builder.position += 1
        return builder.source[builder.position - 1]

    def _word(self, stops: str) -> str:
        """Read up to a space, the end or one of these."""
        builder, start = self.builder, self.builder.position
        while builder.peek() and builder.peek() not in SPACES + stops:
            builder.position += 1
        return builder.source[start : builder.position]

    def _skip_spaces(self) -> None:
        while self.builder.peek() and self.builder.peek() in SPACES:
            self.builder.position += 1

    def _start_tag(self) -> None:
        builder = self.builder
        begin = builder.byte_offset(builder.position)
        builder.position += 1
        name = self._word(">").lower()
        if builder.at_end():
            raise MarkupError(f"Unclosed start tag at byte offset {begin}")
        if name not in _TAGS:
            raise MarkupError(f'Unsupported start tag "{name}" at byte offset {begin}')
        tag = _Tag(name, builder.length, len(builder.text()))
        self._skip_spaces()
        while builder.peek() != ">":
            self._attribute(tag, begin)
            self._skip_spaces()
        builder.position += 1
        if name == "span" and tag.attributes.get("class") != "tg-spoiler":
            raise MarkupError(f'Tag "span" must have class "tg-spoiler" at byte offset {begin}')
        self.open.append(tag)

    def _attribute(self, tag: _Tag, begin: int) -> None:
        builder = self.builder
        name = self._word("=>").lower()
        if not name:
            if builder.at_end():
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
        if builder.at_end():
            raise MarkupError(f'Unclosed start tag "{tag.name}" at byte offset {begin}')
        tag.attributes[name] = self._value(begin)

    def _value(self, begin: int) -> str:
        builder = self.builder
        quote = builder.peek()
        if quote in "'\"":
            builder.position += 1
            value: list[str] = []
            while builder.peek() and builder.peek() != quote:
                value.append(self._character())
            builder.position += 1
        else:
            start = builder.position
            while re.match(r"[a-zA-Z0-9.-]", builder.peek()):
                builder.position += 1
            value = [builder.source[start : builder.position].lower()]
            if builder.peek() not in SPACES + ">":
                where = builder.byte_offset(start)
                raise MarkupError(f"Unexpected end of name token at byte offset {where}")
        if builder.at_end():
            raise MarkupError(f"Unclosed start tag at byte offset {begin}")
        return "".join(value)

    def _end_tag(self) -> None:
        builder = self.builder
        begin = builder.byte_offset(builder.position)
        if not self.open:
            raise MarkupError(f"Unexpected end tag at byte offset {begin}")
        builder.position += 2
        name = self._word(">").lower()
        self._skip_spaces()
        if builder.peek() != ">":
            raise MarkupError(f"Unclosed end tag at byte offset {begin}")
        builder.position += 1
        tag = self.open.pop()
        if name and name != tag.name:
            raise MarkupError(
                f"Unmatched end tag at byte offset {begin}, "
                f'expected "</{tag.name}>", found "</{name}>"'
            )
        self._close(tag)

    def _close(self, tag: _Tag) -> None:
        builder = self.builder
        if tag.name in _TYPES:
            builder.add(_TYPES[tag.name], tag.start)
        elif tag.name == "a":
            builder.add_link(
                tag.start, tag.attributes.get("href") or builder.text()[tag.written_from :]
            )
        elif tag.name == "blockquote":
            expandable = "expandable" in tag.attributes
            builder.add("expandable_blockquote" if expandable else "blockquote", tag.start)
        elif tag.name == "tg-time":
            self._add_time(tag)
        elif tag.name in ("pre", "code"):
            self._add_code(tag)

    def _add_time(self, tag: _Tag) -> None:
        shape = tag.attributes.get("format", "")
        unix_time = tag.attributes.get("unix", "")
        if not self.builder.add_time(tag.start, f"tg://time?unix={unix_time}&format={shape}"):
            raise MarkupError("Invalid date-time entity specified")

    def _add_code(self, tag: _Tag) -> None:
        """`pre` and `code class="language-…"` over the same text, either way round, are one."""
        builder = self.builder
        language = tag.attributes.get("class", "").removeprefix("language-")
        language = language if tag.name == "code" and "class" in tag.attributes else ""
        before = builder.entities[-1] if builder.entities else None
        other = "code" if tag.name == "pre" else "pre"
        if before and before.type == other and before.offset == tag.start:
            language = language or before.details.get("language", "")
            if before.end == builder.length and language:
                builder.entities.pop()
                builder.add("pre", tag.start, language=language)
                return
        details = {"language": language} if language else {}
        builder.add(tag.name, tag.start, **details)


def _decoded(found: re.Match[str]) -> str | None:
    """The character, or None where TDLib leaves the reference as it is."""
    hexadecimal, decimal, name = found.groups()
    if name:
        return _NAMED[name]
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return chr(code) if 0 < code < 0x10FFFF else None
