"""`parse_mode=MarkdownV2` with TDLib's rules and error texts."""

import re
from dataclasses import dataclass

from sandbox.telegram.text.entities import Entity
from sandbox.telegram.text.entity_builder import EntityBuilder, MarkupError
from sandbox.telegram.text.links import is_custom_emoji_link

_RESERVED = "_*[]()~`>#+-=|{}.!\n"
_ENTITY_NAMES = {
    "bold": "Bold",
    "italic": "Italic",
    "underline": "Underline",
    "strikethrough": "Strikethrough",
    "spoiler": "Spoiler",
    "code": "Code",
    "pre": "Pre",
    "text_link": "TextUrl",
    "custom_emoji": "CustomEmoji",
    "blockquote": "BlockQuote",
}
_CLOSING_MARKS = {
    "bold": "*",
    "italic": "_",
    "underline": "__",
    "strikethrough": "~",
    "spoiler": "||",
    "code": "`",
    "pre": "```",
    "text_link": "]",
    "custom_emoji": "]",
}
_OPENING_MARKS = (
    ("__", "underline"),
    ("_", "italic"),
    ("*", "bold"),
    ("~", "strikethrough"),
    ("||", "spoiler"),
    ("```", "pre"),
    ("`", "code"),
    ("![", "custom_emoji"),
    ("[", "text_link"),
)
_LANGUAGE = re.compile(r"([^\s`]+)(?=\s)")
_LINE_BREAK = re.compile(r"\r\n|\n\r|\n|\r")
_QUOTE_END = re.compile(r"\r*(?:\n(?!>)|\Z)")


@dataclass
class _OpenEntity:
    type: str
    start: int
    position: int
    text_start: int
    language: str = ""
    is_expandable: bool = False


def parse_markdown_v2(source: str) -> tuple[str, list[Entity]]:
    """Return plain text and entities. Raises MarkupError."""
    parser = _MarkdownV2Parser(source)
    parser.run()
    return parser.builder.get_text(), parser.builder.entities


class _MarkdownV2Parser:
    def __init__(self, source: str) -> None:
        self.builder = EntityBuilder(source)
        self.open_entities: list[_OpenEntity] = []

    def run(self) -> None:
        builder = self.builder
        while not builder.is_at_end():
            character, following = builder.peek(), builder.peek(1)
            if character == "\\" and following and "\0" < following <= "~":
                builder.position += 2
                builder.write(following)
            elif character not in self._get_reserved():
                builder.position += 1
                builder.write(character)
            elif self._is_closing():
                self._close_entity()
            else:
                self._read_opening()
        if self.open_entities and self.open_entities[-1].type == "blockquote":
            self._close_quote(self.open_entities.pop())
        if self.open_entities:
            raise self._unclosed_error(self.open_entities[-1])

    def _get_reserved(self) -> str:
        return (
            "`"
            if self.open_entities and self.open_entities[-1].type in ("code", "pre")
            else _RESERVED
        )

    def _is_in_quote(self) -> bool:
        return any(one.type == "blockquote" for one in self.open_entities)

    def _is_closing(self) -> bool:
        builder = self.builder
        if not self.open_entities:
            return False
        if self._is_in_quote() and builder.peek() == "\n" and builder.peek(1) != ">":
            return True
        kind = self.open_entities[-1].type
        if kind == "italic":
            return builder.peek() == "_" and builder.peek(1) != "_"
        return kind != "blockquote" and builder.starts_with(_CLOSING_MARKS[kind])

    def _read_opening(self) -> None:
        builder = self.builder
        if builder.peek() == "\n":
            self._read_line_break()
        elif builder.peek() == ">":
            self._open_quote()
        elif self._is_expandable_mark():
            self.open_entities[-1].is_expandable = True
            builder.position += 2
        else:
            self._open_entity()

    def _open_entity(self) -> None:
        builder = self.builder
        opening = next((one for one in _OPENING_MARKS if builder.starts_with(one[0])), None)
        if opening is None:
            raise self._unescaped_error(builder.peek())
        mark, kind = opening
        entity = _OpenEntity(kind, builder.length, builder.position, len(builder.get_text()))
        builder.position += len(mark)
        if kind == "pre":
            entity.language = self._read_language()
        self.open_entities.append(entity)

    def _read_language(self) -> str:
        """Read the language after the fence and skip the line break that ends it."""
        builder = self.builder
        found = _LANGUAGE.match(builder.source, builder.position)
        if found:
            builder.position = found.end()
        line_break = _LINE_BREAK.match(builder.source, builder.position)
        if line_break:
            builder.position = line_break.end()
        return found[1] if found else ""

    def _read_line_break(self) -> None:
        """Read a line break; inside a quote, skip the `>` that continues it."""
        builder = self.builder
        builder.write("\n")
        builder.position += 1
        if builder.peek() == ">":
            if not self._is_in_quote():
                self._push_quote()
            builder.position += 1

    def _open_quote(self) -> None:
        written = self.builder.get_text().rstrip("\r")
        if written and not written.endswith("\n"):
            raise self._unescaped_error(">")
        self._push_quote()
        self.builder.position += 1

    def _push_quote(self) -> None:
        builder = self.builder
        self.open_entities.append(
            _OpenEntity("blockquote", builder.length, builder.position, len(builder.get_text()))
        )

    def _is_expandable_mark(self) -> bool:
        """Read `||` at the end of a quote, which makes the quote expandable."""
        builder = self.builder
        return (
            bool(self.open_entities)
            and self.open_entities[-1].type == "blockquote"
            and builder.starts_with("||")
            and _QUOTE_END.match(builder.source, builder.position + 2) is not None
        )

    def _close_entity(self) -> None:
        builder = self.builder
        entity = self.open_entities[-1]
        if builder.peek() == "\n":
            if entity.type != "blockquote":
                raise self._unclosed_error(entity)
            builder.write("\n")
            builder.position += 1
            self._close_quote(self.open_entities.pop())
            return
        self.open_entities.pop()
        builder.position += len(_CLOSING_MARKS[entity.type])
        if entity.type == "text_link":
            builder.add_link(entity.start, self._read_link_url(entity))
        elif entity.type == "custom_emoji":
            self._close_custom_emoji(entity)
        else:
            details = {"language": entity.language} if entity.language else {}
            builder.add_entity(entity.type, entity.start, **details)

    def _close_quote(self, quote: _OpenEntity) -> None:
        kind = "expandable_blockquote" if quote.is_expandable else "blockquote"
        self.builder.add_entity(kind, quote.start)

    def _read_link_url(self, entity: _OpenEntity) -> str:
        if self.builder.peek() != "(":
            return self.builder.get_text()[entity.text_start :]
        return self._read_address("URL")

    def _close_custom_emoji(self, entity: _OpenEntity) -> None:
        """Keep the plain emoji: as on real servers, this bot may not send custom emoji."""
        if self.builder.peek() != "(":
            raise MarkupError("Custom emoji entity must contain a tg://emoji URL")
        url = self._read_address("custom emoji URL")
        if not self.builder.add_time(entity.start, url) and not is_custom_emoji_link(url):
            raise MarkupError("Invalid custom emoji identifier specified")

    def _read_address(self, what: str) -> str:
        builder = self.builder
        builder.position += 1
        start = builder.position
        address: list[str] = []
        while builder.peek() != ")":
            if builder.is_at_end():
                where = builder.get_byte_offset(start)
                raise MarkupError(f"Can't find end of a {what} at byte offset {where}")
            if builder.peek() == "\\" and "\0" < builder.peek(1) <= "~":
                builder.position += 1
            address.append(builder.peek())
            builder.position += 1
        builder.position += 1
        return "".join(address)

    def _unescaped_error(self, character: str) -> MarkupError:
        return MarkupError(
            f"Character '{character}' is reserved and must be escaped with the preceding '\\'"
        )

    def _unclosed_error(self, entity: _OpenEntity) -> MarkupError:
        name = "PreCode" if entity.language else _ENTITY_NAMES[entity.type]
        where = self.builder.get_byte_offset(entity.position)
        return MarkupError(f"Can't find end of {name} entity at byte offset {where}")
