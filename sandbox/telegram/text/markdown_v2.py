"""`parse_mode=MarkdownV2` with TDLib's rules and error texts."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from sandbox.telegram.text.links import find_tg_link_number
from sandbox.telegram.text.markup_parser import MarkupError, MarkupParser

_RESERVED = "_*[]()~`>#+-=|{}.!\n"
_QUOTE_END = re.compile(r"\r*(?:\n(?!>)|\Z)")
_ADDRESS = re.compile(r"(?:\\[\x01-~]|[^)])*")
_ESCAPED = re.compile(r"\\([\x01-~])")


class _Syntax(NamedTuple):
    opening: str
    closing: str
    name: str
    """In TDLib's errors."""


_SYNTAX = {  # a mark before the marks that it begins with
    "underline": _Syntax("__", "__", "Underline"),
    "italic": _Syntax("_", "_", "Italic"),
    "bold": _Syntax("*", "*", "Bold"),
    "strikethrough": _Syntax("~", "~", "Strikethrough"),
    "spoiler": _Syntax("||", "||", "Spoiler"),
    "pre": _Syntax("```", "```", "Pre"),
    "code": _Syntax("`", "`", "Code"),
    "custom_emoji": _Syntax("![", "]", "CustomEmoji"),
    "text_link": _Syntax("[", "]", "TextUrl"),
    "blockquote": _Syntax(">", "\n", "BlockQuote"),
}


@dataclass
class _OpenEntity:
    type: str
    start: int
    position: int
    language: str = ""
    is_expandable: bool = False


class MarkdownV2Parser(MarkupParser):
    """A parser in which entities nest and reserved characters must be escaped."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.open_entities: list[_OpenEntity] = []

    def read_next(self) -> None:
        """Read the next character or mark."""
        innermost = self._get_innermost_type()
        if self.peek() == "\\" and "\0" < self.peek(1) <= "~":
            self.position += 1
            self.write_next()
        elif self.peek() not in ("`" if innermost in ("code", "pre") else _RESERVED):
            self.write_next()
        elif self._is_closing(innermost):
            self._close_entity()
        elif self.peek() == "\n":
            self._read_line_break()
        elif self.peek() == ">":
            self._read_quote_mark()
        elif self._is_expandable_mark(innermost):
            self.open_entities[-1].is_expandable = True
            self.position += 2
        else:
            self._open_entity()

    def finish(self) -> None:
        """Close a quote that ends with the text and refuse other open entities."""
        if self._get_innermost_type() == "blockquote":
            self._close_quote()
        if self.open_entities:
            raise self._build_unclosed_error()

    def _get_innermost_type(self) -> str:
        return self.open_entities[-1].type if self.open_entities else ""

    def _is_in_quote(self) -> bool:
        return any(entity.type == "blockquote" for entity in self.open_entities)

    def _is_closing(self, innermost: str) -> bool:
        if self._is_in_quote() and self.peek() == "\n" and self.peek(1) != ">":
            return True
        if innermost == "italic":
            return self.peek() == "_" and self.peek(1) != "_"
        return innermost not in ("", "blockquote") and self.starts_with(_SYNTAX[innermost].closing)

    def _is_expandable_mark(self, innermost: str) -> bool:
        """Return whether `||` ends a quote here, which makes the quote expandable."""
        is_at_end = _QUOTE_END.match(self.source, self.position + 2) is not None
        return innermost == "blockquote" and self.starts_with("||") and is_at_end

    def _open_entity(self) -> None:
        found = (kind for kind, syntax in _SYNTAX.items() if self.starts_with(syntax.opening))
        kind = next(found, "")
        if not kind:
            raise self._build_unescaped_error()
        self._push(kind)
        self.position += len(_SYNTAX[kind].opening)
        if kind == "pre":
            self.open_entities[-1].language = self.read_language()

    def _push(self, kind: str) -> None:
        self.open_entities.append(_OpenEntity(kind, len(self.characters), self.position))

    def _read_line_break(self) -> None:
        """Read a line break; inside a quote, skip the `>` that continues it."""
        self.write_next()
        if self.peek() == ">":
            if not self._is_in_quote():
                self._push("blockquote")
            self.position += 1

    def _read_quote_mark(self) -> None:
        written = self.get_text().rstrip("\r")
        if written and not written.endswith("\n"):
            raise self._build_unescaped_error()
        self._push("blockquote")
        self.position += 1

    def _close_entity(self) -> None:
        if self.peek() == "\n":
            if self._get_innermost_type() != "blockquote":
                raise self._build_unclosed_error()
            self.write_next()
            self._close_quote()
            return
        entity = self.open_entities.pop()
        self.position += len(_SYNTAX[entity.type].closing)
        if entity.type == "text_link":
            is_shown = self.peek() != "("
            url = self.get_text(entity.start) if is_shown else self._read_address("URL")
            self.add_link(entity.start, url)
        elif entity.type == "custom_emoji":
            self._close_custom_emoji(entity)
        else:
            self.add_entity(entity.type, entity.start, language=entity.language)

    def _close_quote(self) -> None:
        quote = self.open_entities.pop()
        kind = "expandable_blockquote" if quote.is_expandable else "blockquote"
        self.add_entity(kind, quote.start)

    def _close_custom_emoji(self, entity: _OpenEntity) -> None:
        """Keep the plain emoji: as on real servers, this bot may not send custom emoji."""
        if self.peek() != "(":
            raise MarkupError("Custom emoji entity must contain a tg://emoji URL")
        url = self._read_address("custom emoji URL")
        if not self.add_time(entity.start, url) and find_tg_link_number(url, "emoji", "id") is None:
            raise MarkupError("Invalid custom emoji identifier specified")

    def _read_address(self, what: str) -> str:
        self.position += 1
        start = self.position
        address = self.read(_ADDRESS)
        if not self.peek():
            raise self.build_error(f"Can't find end of a {what}", start)
        self.position += 1
        return _ESCAPED.sub(r"\1", address)

    def _build_unescaped_error(self) -> MarkupError:
        return MarkupError(
            f"Character '{self.peek()}' is reserved and must be escaped with the preceding '\\'"
        )

    def _build_unclosed_error(self) -> MarkupError:
        entity = self.open_entities[-1]
        name = "PreCode" if entity.language else _SYNTAX[entity.type].name
        return self.build_error(f"Can't find end of {name} entity", entity.position)
