"""`parse_mode=HTML` with TDLib's tags, tolerance and error texts."""

import html
import re
from dataclasses import dataclass, field, replace

from sandbox.telegram.text.entities import Entity
from sandbox.telegram.text.markup_parser import MarkupError, MarkupParser

STYLE_TAGS = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    "tg-spoiler": "spoiler",
}
_TAGS = {*STYLE_TAGS, "span", "a", "pre", "code", "blockquote", "tg-emoji", "tg-time"}
_CHARACTER_REFERENCE = re.compile(
    r"&(?:#x([0-9a-fA-F]{1,7})|#(\d{1,8})|(lt|gt|amp|quot)(?![a-zA-Z]));?"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r"[ \t\r\n\v\0]*")
_TAG_NAME = re.compile(r"[^ \t\r\n\v\0>]*")
_ATTRIBUTE_NAME = re.compile(r"[^ \t\r\n\v\0=>]*")
_UNQUOTED_VALUE = re.compile(r"[a-zA-Z0-9.-]*")
_AFTER_UNQUOTED_VALUE = re.compile(r"[ \t\r\n\v\0>]|\Z")


@dataclass
class _OpenTag:
    name: str
    start: int
    attributes: dict[str, str] = field(default_factory=dict)


class HtmlParser(MarkupParser):
    """A parser in which tags must be closed in the order of their opening."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.open_tags: list[_OpenTag] = []

    def read_next(self) -> None:
        """Read the next character or tag."""
        if self.peek() != "<":
            self.write(self._read_character())
        elif self.peek(1) == "/":
            self._read_end_tag()
        else:
            self._read_start_tag()

    def finish(self) -> None:
        """Refuse open tags and invalid characters."""
        if self.open_tags:
            name = self.open_tags[-1].name
            raise MarkupError(f'Can\'t find end tag corresponding to start tag "{name}"')
        if _SURROGATE.search(self.get_text()):
            raise MarkupError(
                "Text contains invalid Unicode characters after decoding HTML entities, "
                "check for unmatched surrogate code units"
            )
        # A language that no `pre` has taken over is dropped.
        self.entities = [e if e.type != "code" else replace(e, details={}) for e in self.entities]

    def _read_character(self) -> str:
        found = _CHARACTER_REFERENCE.match(self.source, self.position)
        character = _decode_reference(found) if found else None
        if found and character:
            self.position = found.end()
            return character
        self.position += 1
        return self.source[self.position - 1]

    def _read_start_tag(self) -> None:
        begin = self.position
        self.position += 1
        name = self.read(_TAG_NAME).lower()
        if not self.peek():
            raise self.build_error("Unclosed start tag", begin)
        if name not in _TAGS:
            raise self.build_error(f'Unsupported start tag "{name}"', begin)
        tag = _OpenTag(name, len(self.characters))
        self.read(_SPACES)
        while self.peek() != ">":
            self._read_attribute(tag, begin)
            self.read(_SPACES)
        self.position += 1
        if name == "span" and tag.attributes.get("class") != "tg-spoiler":
            raise self.build_error('Tag "span" must have class "tg-spoiler"', begin)
        self.open_tags.append(tag)

    def _read_attribute(self, tag: _OpenTag, begin: int) -> None:
        unclosed = self.build_error(f'Unclosed start tag "{tag.name}"', begin)
        name = self.read(_ATTRIBUTE_NAME).lower()
        if not name and self.peek():
            raise self.build_error(f'Empty attribute name in the tag "{tag.name}"', begin)
        if not name:
            raise unclosed
        tag.attributes[name] = ""
        self.read(_SPACES)
        if self.peek() == "=":
            self.position += 1
            self.read(_SPACES)
            if not self.peek():
                raise unclosed
            tag.attributes[name] = self._read_value(begin)

    def _read_value(self, begin: int) -> str:
        quote, value = self.peek(), ""
        if quote in "'\"":
            self.position += 1
            while self.peek() not in ("", quote):
                value += self._read_character()
            self.position += 1
        else:
            start = self.position
            value = self.read(_UNQUOTED_VALUE).lower()
            if not _AFTER_UNQUOTED_VALUE.match(self.source, self.position):
                raise self.build_error("Unexpected end of name token", start)
        if not self.peek():
            raise self.build_error("Unclosed start tag", begin)
        return value

    def _read_end_tag(self) -> None:
        begin = self.position
        if not self.open_tags:
            raise self.build_error("Unexpected end tag", begin)
        self.position += 2
        name = self.read(_TAG_NAME).lower()
        self.read(_SPACES)
        if self.peek() != ">":
            raise self.build_error("Unclosed end tag", begin)
        self.position += 1
        tag = self.open_tags.pop()
        if name and name != tag.name:
            error = self.build_error("Unmatched end tag", begin)
            raise MarkupError(f'{error}, expected "</{tag.name}>", found "</{name}>"')
        self._close_tag(tag)

    def _close_tag(self, tag: _OpenTag) -> None:
        given = tag.attributes
        match tag.name:
            case "a":
                self.add_link(tag.start, given.get("href") or self.get_text(tag.start))
            case "blockquote":
                kind = "expandable_blockquote" if "expandable" in given else "blockquote"
                self.add_entity(kind, tag.start)
            case "tg-time":
                url = f"tg://time?unix={given.get('unix', '')}&format={given.get('format', '')}"
                if not self.add_time(tag.start, url):
                    raise MarkupError("Invalid date-time entity specified")
            case "pre":
                self._add_code(tag, "code", "")
            case "code":
                self._add_code(tag, "pre", given.get("class", "").removeprefix("language-"))
            case "span":
                self.add_entity("spoiler", tag.start)
            case name if name in STYLE_TAGS:
                self.add_entity(STYLE_TAGS[name], tag.start)

    def _add_code(self, tag: _OpenTag, other: str, language: str) -> None:
        """Add an entity; `pre` and `code class="language-…"` over the same text become one."""
        before = self.entities[-1] if self.entities else Entity("", 0, 0)
        kind = tag.name
        if before.type == other and before.offset == tag.start:
            language = language or before.details.get("language", "")
            if before.end == len(self.characters) and language:
                self.entities.pop()
                kind = "pre"
        self.add_entity(kind, tag.start, language=language)


def _decode_reference(found: re.Match[str]) -> str | None:
    """Return the character, or None if TDLib leaves the reference unchanged."""
    hexadecimal, decimal, name = found.groups()
    if name:
        return html.unescape(f"&{name};")
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return chr(code) if 0 < code < 0x10FFFF else None
