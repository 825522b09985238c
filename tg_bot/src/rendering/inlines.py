"""Converts inline Markdown to the text of a rich message's block (Bot API 10.2, `RichText`).

A `RichText` is a string, a list, or an object that contains more text. URLs in plain text become
links here, because Telegram's own detection refuses the message if it rejects one of them.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from .formatted_text import is_blank
from .markdown_source import Node

RichText = Any

_STYLES = {"Strong": "bold", "Emphasis": "italic", "Strikethrough": "strikethrough"}
_URL_PATTERN = re.compile(r"https?://[^\s<>\"'`|]*[^\s<>\"'`|.,:;!?*_~…»”)\]}]")


def to_rich_text(nodes: Sequence[Node]) -> RichText:
    """Return the text of a paragraph, heading or cell; an empty string if nothing is visible."""
    pieces = _trim(list(_convert_nodes(nodes, is_linked=False)))
    return "" if is_blank(to_plain_text(pieces)) else _unwrap_single(pieces)


def to_plain_text(text: RichText) -> str:
    """Return the characters of a text, and the source of its formulas."""
    if isinstance(text, str):
        return text
    if isinstance(text, list):
        return "".join(map(to_plain_text, text))
    return to_plain_text(text["text"] if "text" in text else text["expression"])


def is_linkable(url: str | None) -> bool:
    """Return whether Telegram accepts the URL as a link."""
    try:
        parts = urlsplit(url or "")
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme in ("tg", "mailto", "tel"):
        return True
    return parts.scheme in ("http", "https") and re.search(r"\w\.\w", host) is not None


def _convert_nodes(nodes: Sequence[Node], *, is_linked: bool) -> Iterator[RichText]:
    """Convert nodes. Adjacent strings are joined first: a URL may be spread over several."""
    pending_text = ""
    for node in nodes:
        literal = _get_literal_text(node)
        if literal is not None:
            pending_text += literal
            continue
        yield from _link_urls(pending_text, is_linked=is_linked)
        pending_text = ""
        yield from _convert_node(node, is_linked=is_linked)
    yield from _link_urls(pending_text, is_linked=is_linked)


def _get_literal_text(node: Node) -> str | None:
    if node.kind in ("SoftBreak", "HardBreak"):
        return "\n"
    return str(node.value) if node.kind in ("Text", "Html", "InlineHtml") else None


def _convert_node(node: Node, *, is_linked: bool) -> Iterator[RichText]:
    if node.kind in ("InlineMath", "DisplayMath"):
        yield {"type": "mathematical_expression", "expression": node.value.strip()}
    elif node.kind == "Code":
        yield {"type": "code", "text": node.value}
    elif node.kind in _STYLES:
        inner = list(_convert_nodes(node.children, is_linked=is_linked))
        if inner:
            yield {"type": _STYLES[node.kind], "text": _unwrap_single(inner)}
    elif node.kind == "Link":
        yield from _convert_link(node)
    else:
        yield from _convert_nodes(node.children, is_linked=is_linked)


def _convert_link(node: Node) -> Iterator[RichText]:
    """Convert a link. A URL that Telegram refuses is written out; one without text is the text."""
    url = str(node.value["dest_url"])
    inner = list(_convert_nodes(node.children, is_linked=True))
    if not is_linkable(url):
        yield from inner
        if url not in to_plain_text(inner):
            yield f" ({url})"
        return
    text = url if is_blank(to_plain_text(inner)) else _unwrap_single(inner)
    kind, _, rest = url.partition(":")
    if kind.lower() == "mailto":
        yield {"type": "email_address", "text": text, "email_address": rest}
    elif kind.lower() == "tel":
        yield {"type": "phone_number", "text": text, "phone_number": rest}
    else:
        yield {"type": "url", "text": text, "url": url}


def _link_urls(text: str, *, is_linked: bool) -> Iterator[RichText]:
    end = 0
    for found in () if is_linked else _URL_PATTERN.finditer(text):
        url = found[0]
        if "(" in url and text.startswith(")", found.end()):  # for example in Wikipedia's URLs
            url += ")"
        if is_linkable(url):
            yield from filter(None, [text[end : found.start()]])
            yield {"type": "url", "text": url, "url": url}
            end = found.start() + len(url)
    yield from filter(None, [text[end:]])


def _unwrap_single(pieces: list[RichText]) -> RichText:
    return pieces[0] if len(pieces) == 1 else pieces


def _trim(pieces: list[RichText]) -> list[RichText]:
    """Remove white space at both ends."""
    for end, strip in ((0, str.lstrip), (-1, str.rstrip)):
        while pieces and isinstance(pieces[end], str):
            pieces[end] = strip(pieces[end])
            if pieces[end]:
                break
            del pieces[end]
    return pieces
