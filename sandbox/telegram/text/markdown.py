"""`parse_mode=MarkdownV2`, with TDLib's rules and error texts."""

import re
from dataclasses import dataclass

from sandbox.telegram.text.builder import Builder, MarkupError
from sandbox.telegram.text.entities import Entity
from sandbox.telegram.text.links import is_custom_emoji

_RESERVED = "_*[]()~`>#+-=|{}.!\n"
_NAMES = {
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
_MARKS = {
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
_OPENINGS = (
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
class _Open:
    type: str
    start: int
    position: int
    written_from: int
    language: str = ""
    expandable: bool = False


def parse_markdown(source: str) -> tuple[str, list[Entity]]:
    """Plain text and entities. Raises MarkupError."""
    parser = _Parser(source)
    parser.run()
    return parser.builder.text(), parser.builder.entities


class _Parser:
    def __init__(self, source: str) -> None:
        self.builder = Builder(source)
        self.open: list[_Open] = []

    def run(self) -> None:
        builder = self.builder
        while not builder.at_end():
            character, following = builder.peek(), builder.peek(1)
            if character == "\\" and following and "\0" < following <= "~":
                builder.position += 2
                builder.write(following)
            elif character not in self._reserved():
                builder.position += 1
                builder.write(character)
            elif self._closes():
                self._close()
            else:
                self._begin()
        if self.open and self.open[-1].type == "blockquote":
            self._end_quote(self.open.pop())
        if self.open:
            raise self._endless(self.open[-1])

    def _reserved(self) -> str:
        return "`" if self.open and self.open[-1].type in ("code", "pre") else _RESERVED

    def _in_quote(self) -> bool:
        return any(one.type == "blockquote" for one in self.open)

    def _closes(self) -> bool:
        builder = self.builder
        if not self.open:
            return False
        if self._in_quote() and builder.peek() == "\n" and builder.peek(1) != ">":
            return True
        kind = self.open[-1].type
        if kind == "italic":
            return builder.peek() == "_" and builder.peek(1) != "_"
        return kind != "blockquote" and builder.starts_with(_MARKS[kind])

    def _begin(self) -> None:
        builder = self.builder
        if builder.peek() == "\n":
            self._new_line()
        elif builder.peek() == ">":
            self._begin_quote()
        elif self._expands_quote():
            self.open[-1].expandable = True
            builder.position += 2
        else:
            self._open_mark()

    def _open_mark(self) -> None:
        builder = self.builder
        opening = next((one for one in _OPENINGS if builder.starts_with(one[0])), None)
        if opening is None:
            raise self._unescaped(builder.peek())
        mark, kind = opening
        entity = _Open(kind, builder.length, builder.position, len(builder.text()))
        builder.position += len(mark)
        if kind == "pre":
            entity.language = self._language()
        self.open.append(entity)

    def _language(self) -> str:
        """The word after the fence, and the one line break that is no part of the code."""
        builder = self.builder
        found = _LANGUAGE.match(builder.source, builder.position)
        if found:
            builder.position = found.end()
        line_break = _LINE_BREAK.match(builder.source, builder.position)
        if line_break:
            builder.position = line_break.end()
        return found[1] if found else ""

    def _new_line(self) -> None:
        """A line break outside a quote, or within one: then `>` follows and is no text."""
        builder = self.builder
        builder.write("\n")
        builder.position += 1
        if builder.peek() == ">":
            if not self._in_quote():
                self._push_quote()
            builder.position += 1

    def _begin_quote(self) -> None:
        written = self.builder.text().rstrip("\r")
        if written and not written.endswith("\n"):
            raise self._unescaped(">")
        self._push_quote()
        self.builder.position += 1

    def _push_quote(self) -> None:
        builder = self.builder
        self.open.append(_Open("blockquote", builder.length, builder.position, len(builder.text())))

    def _expands_quote(self) -> bool:
        """`||` right before a quote's end marks the quote as expandable."""
        builder = self.builder
        return (
            bool(self.open)
            and self.open[-1].type == "blockquote"
            and builder.starts_with("||")
            and _QUOTE_END.match(builder.source, builder.position + 2) is not None
        )

    def _close(self) -> None:
        builder = self.builder
        entity = self.open[-1]
        if builder.peek() == "\n":
            if entity.type != "blockquote":
                raise self._endless(entity)
            builder.write("\n")
            builder.position += 1
            self._end_quote(self.open.pop())
            return
        self.open.pop()
        builder.position += len(_MARKS[entity.type])
        if entity.type == "text_link":
            builder.add_link(entity.start, self._link(entity))
        elif entity.type == "custom_emoji":
            self._end_custom(entity)
        else:
            details = {"language": entity.language} if entity.language else {}
            builder.add(entity.type, entity.start, **details)

    def _end_quote(self, quote: _Open) -> None:
        kind = "expandable_blockquote" if quote.expandable else "blockquote"
        self.builder.add(kind, quote.start)

    def _link(self, entity: _Open) -> str:
        if self.builder.peek() != "(":
            return self.builder.text()[entity.written_from :]
        return self._address("URL")

    def _end_custom(self, entity: _Open) -> None:
        """Bots may not send custom emoji here: the plain emoji stays, as on real servers."""
        if self.builder.peek() != "(":
            raise MarkupError("Custom emoji entity must contain a tg://emoji URL")
        url = self._address("custom emoji URL")
        if not self.builder.add_time(entity.start, url) and not is_custom_emoji(url):
            raise MarkupError("Invalid custom emoji identifier specified")

    def _address(self, what: str) -> str:
        builder = self.builder
        builder.position += 1
        start = builder.position
        address: list[str] = []
        while builder.peek() != ")":
            if builder.at_end():
                where = builder.byte_offset(start)
                raise MarkupError(f"Can't find end of a {what} at byte offset {where}")
            if builder.peek() == "\\" and "\0" < builder.peek(1) <= "~":
                builder.position += 1
            address.append(builder.peek())
            builder.position += 1
        builder.position += 1
        return "".join(address)

    def _unescaped(self, character: str) -> MarkupError:
        return MarkupError(
            f"Character '{character}' is reserved and must be escaped with the preceding '\\'"
        )

    def _endless(self, entity: _Open) -> MarkupError:
        name = "PreCode" if entity.language else _NAMES[entity.type]
        where = self.builder.byte_offset(entity.position)
        return MarkupError(f"Can't find end of {name} entity at byte offset {where}")
