"""Rich HTML as a tree of tags; what is not on Telegram's list stays text."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

VOID = frozenset({"br", "hr", "img", "input"})
_INLINE = (
    "a b strong i em u ins s strike del code mark sub sup br tg-spoiler tg-reference tg-emoji "
    "tg-time tg-math tg-button"
)
_BLOCK = (
    "h1 h2 h3 h4 h5 h6 p pre footer hr ul ol blockquote aside details table figure img video audio "
    "tg-document tg-map tg-collage tg-slideshow tg-math-block tg-button-row tg-thinking"
)
_PARTS = "li input summary caption tr th td figcaption cite"
BLOCK = frozenset(_BLOCK.split())
_TAGS = BLOCK.union(_INLINE.split(), _PARTS.split())
_MOST_DIGITS = 9
_NAMED = {
    "lt": "<",
    "gt": ">",
    "amp": "&",
    "quot": '"',
    "apos": "'",
    "nbsp": "\u00a0",
    "hellip": "…",
    "mdash": "—",
    "ndash": "\N{EN DASH}",
    "lsquo": "\N{LEFT SINGLE QUOTATION MARK}",
    "rsquo": "\N{RIGHT SINGLE QUOTATION MARK}",
    "ldquo": "“",
    "rdquo": "”",
}


class WrongMarkup(ValueError):
    """Tags that do not match, or one at a place where it means nothing."""


@dataclass
class Node:
    """A tag; the root has an empty name."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Node | str"] = field(default_factory=list)

    def nodes(self, *tags: str) -> list["Node"]:
        """The children with one of these tags."""
        return [one for one in self.children if isinstance(one, Node) and one.tag in tags]

    def without(self, *tags: str) -> list["Node | str"]:
        """The children but these."""
        return [one for one in self.children if isinstance(one, str) or one.tag not in tags]

    def raw_text(self) -> str:
        """All text inside, as it stands there."""
        return "".join(one if isinstance(one, str) else one.raw_text() for one in self.children)

    @property
    def is_block(self) -> bool:
        """Whether it stands on its own; a picture of an emoji does not."""
        if self.tag == "img" and self.attributes.get("src", "").startswith("tg://emoji"):
            return False
        return self.tag in BLOCK


def read_tree(source: str, warn: Callable[[str], None]) -> list[Node | str]:
    """The nodes of a source. Raises WrongMarkup; unknown tags are told to `warn`."""
    reader = _Reader(warn)
    try:
        reader.feed(source)
        reader.close()
    except AssertionError as error:  # its way of saying that a declaration is broken
        raise WrongMarkup(str(error)) from error
    if len(reader.open) > 1:
        raise WrongMarkup(f"<{reader.open[-1].tag}> is not closed")
    return reader.open[0].children


class _Reader(HTMLParser):
    def __init__(self, warn: Callable[[str], None]) -> None:
        super().__init__(convert_charrefs=False)
        self.open = [Node("")]
        self._warn = warn

    def set_cdata_mode(self, *_: Any, **__: Any) -> None:
        """No tag hides others: `<script>` is as unknown as any."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, attrs, is_closed=tag in VOID)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, attrs, is_closed=True)

    def _start(self, tag: str, attrs: list[tuple[str, str | None]], *, is_closed: bool) -> None:
        if tag not in _TAGS:
            self._warn(f"<{tag}> is not a tag of rich messages")
            self.handle_data(self.get_starttag_text() or "")
            return
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if not is_closed:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if tag not in _TAGS:
            self.handle_data(f"</{tag}>")
            return
        if self.open[-1].tag != tag:
            raise WrongMarkup(f"</{tag}> closes nothing")
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(_NAMED.get(name, f"&{name};"))

    def handle_charref(self, name: str) -> None:
        is_hexadecimal = name[:1] in "xX"
        digits = name[1:] if is_hexadecimal else name
        code = int(digits, 16 if is_hexadecimal else 10) if len(digits) < _MOST_DIGITS else 0
        is_character = 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
        self.handle_data(chr(code) if is_character else f"&#{name};")
