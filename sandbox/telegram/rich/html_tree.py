"""Rich HTML parsed to a tree; tags that Telegram does not know stay text."""

from dataclasses import dataclass, field
from html.entities import html5
from html.parser import HTMLParser
from typing import Any

VOID_TAGS = frozenset({"br", "hr", "img", "input"})
_INLINE_TAG_NAMES = (
    "a b strong i em u ins s strike del code mark sub sup br tg-spoiler tg-reference tg-emoji "
    "tg-time tg-math tg-button"
)
_BLOCK_TAG_NAMES = (
    "h1 h2 h3 h4 h5 h6 p pre footer hr ul ol blockquote aside details table figure img video audio "
    "tg-document tg-map tg-collage tg-slideshow tg-math-block tg-button-row tg-thinking"
)
_PART_TAG_NAMES = "li input summary caption tr th td figcaption cite"
BLOCK_TAGS = frozenset(_BLOCK_TAG_NAMES.split())
_TAGS = BLOCK_TAGS.union(_INLINE_TAG_NAMES.split(), _PART_TAG_NAMES.split())
_MAX_DIGITS = 9
_ENTITY_NAMES = "lt gt amp quot apos nbsp hellip mdash ndash lsquo rsquo ldquo rdquo"
_NAMED_CHARACTERS = {name: html5[f"{name};"] for name in _ENTITY_NAMES.split()}


class InvalidRichMarkup(ValueError):
    """Tags that are not balanced, or a tag at a wrong place."""


@dataclass
class HtmlNode:
    """A tag with its children; the root has an empty name."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["HtmlNode | str"] = field(default_factory=list)

    def find_children(self, *tags: str) -> list["HtmlNode"]:
        """Return the children with one of these tags."""
        return [node for node in self.children if isinstance(node, HtmlNode) and node.tag in tags]

    def get_children_without(self, tag: str) -> list["HtmlNode | str"]:
        """Return the children without those that have this tag."""
        return [node for node in self.children if isinstance(node, str) or node.tag != tag]

    def get_raw_text(self) -> str:
        """Return all text inside, unchanged."""
        texts = [node if isinstance(node, str) else node.get_raw_text() for node in self.children]
        return "".join(texts)

    @property
    def is_block(self) -> bool:
        """Return whether the tag is a block; an `<img>` of a custom emoji is not."""
        if self.tag == "img" and self.attributes.get("src", "").startswith("tg://emoji"):
            return False
        return self.tag in BLOCK_TAGS


def parse_html_tree(source: str) -> list[HtmlNode | str]:
    """Return the top-level nodes. Raises InvalidRichMarkup; unknown tags stay text."""
    reader = _TreeBuilder()
    try:
        reader.feed(source)
        reader.close()
    except AssertionError as error:  # the parser's error for a malformed declaration
        raise InvalidRichMarkup(str(error)) from error
    if len(reader.open_nodes) > 1:
        raise InvalidRichMarkup(f"<{reader.open_nodes[-1].tag}> is not closed")
    return reader.open_nodes[0].children


class _TreeBuilder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.open_nodes = [HtmlNode("")]

    def set_cdata_mode(self, *_: Any, **__: Any) -> None:
        """Disable the raw text mode: `<script>` is an unknown tag like any other."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            self.handle_data(self.get_starttag_text() or "")
            return
        node = HtmlNode(tag, {name: value or "" for name, value in attrs})
        self.open_nodes[-1].children.append(node)
        if tag not in VOID_TAGS:
            self.open_nodes.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in _TAGS:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _TAGS:
            self.handle_data(f"</{tag}>")
        elif tag not in VOID_TAGS and self.open_nodes.pop().tag != tag:
            raise InvalidRichMarkup(f"</{tag}> has no start tag")

    def handle_data(self, data: str) -> None:
        self.open_nodes[-1].children.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(_NAMED_CHARACTERS.get(name, f"&{name};"))

    def handle_charref(self, name: str) -> None:
        is_hexadecimal = name[:1] in "xX"
        digits = name[1:] if is_hexadecimal else name
        code = int(digits, 16 if is_hexadecimal else 10) if len(digits) < _MAX_DIGITS else 0
        is_character = 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
        self.handle_data(chr(code) if is_character else f"&#{name};")
