"""Conversion of rich HTML nodes to `RichText`: a string, a list, or an object with a type."""

import re
from collections.abc import Callable
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.rich.html_tree import HtmlNode, InvalidRichMarkup
from sandbox.telegram.text.html import STYLE_TAGS
from sandbox.telegram.text.links import InvalidLink, find_tg_link_number, normalize_link

_STYLE_TAGS = STYLE_TAGS | {
    "code": "code",
    "mark": "marked",
    "sub": "subscript",
    "sup": "superscript",
}


def build_rich_text(nodes: list[HtmlNode | str]) -> Any:
    """Return the text of a paragraph, heading or cell; only `<br>` breaks the line.

    Raises BotApiError for a block inside, InvalidRichMarkup for a tag that is not allowed there.
    """
    return _trim(_join([_build_inline(node) for node in nodes]))


def _build_inline(node: HtmlNode | str) -> Any:
    if isinstance(node, str):
        return re.sub(r"[ \t\r\n]+", " ", node)
    if node.is_block:
        raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
    if node.tag in _STYLE_TAGS:
        return _build_text_object(node, type=_STYLE_TAGS[node.tag])
    if node.tag not in _INLINE_BUILDERS:
        raise InvalidRichMarkup(f"<{node.tag}> is not allowed in a text")
    return _INLINE_BUILDERS[node.tag](node)


def _build_children(node: HtmlNode) -> Any:
    return _join([_build_inline(child) for child in node.children])


def _build_text_object(node: HtmlNode, **fields: Any) -> Any:
    text = _build_children(node)
    return {**fields, "text": text} if text else ""


def _build_link(node: HtmlNode) -> Any:
    href, name = node.attributes.get("href"), node.attributes.get("name")
    if href is None:
        anchor = {"type": "anchor", "name": name} if name else ""
        return _join([anchor, _build_children(node)])
    scheme, _, rest = href.partition(":")
    if href.startswith("#"):
        return _build_text_object(node, type="anchor_link", anchor_name=href[1:])
    if scheme == "mailto":
        return _build_text_object(node, type="email_address", email_address=rest)
    if scheme == "tel":
        return _build_text_object(node, type="phone_number", phone_number=rest)
    user_id = find_tg_link_number(href, "user", "id")
    if user_id is not None:
        return _build_text_object(node, type="text_mention", user={"id": user_id})
    try:
        return _build_text_object(node, type="url", url=normalize_link(href))
    except InvalidLink:
        return _build_children(node)


def _build_emoji(node: HtmlNode) -> Any:
    emoji_id = node.attributes.get("emoji-id") or node.attributes.get("src", "").partition("id=")[2]
    shown = node.attributes.get("alt") or node.get_raw_text()
    return {"type": "custom_emoji", "custom_emoji_id": emoji_id, "alternative_text": shown}


def _build_time(node: HtmlNode) -> Any:
    unix = node.attributes.get("unix", "")
    if not re.fullmatch(r"\d{1,12}", unix):
        raise InvalidRichMarkup("<tg-time> needs a Unix time")
    shape = node.attributes.get("format", "")
    return _build_text_object(node, type="date_time", unix_time=int(unix), date_time_format=shape)


def build_button(node: HtmlNode) -> dict[str, Any]:
    """Build a button of `<tg-button type="callback_data" data="…" style="…">text</tg-button>`."""
    kind = node.attributes.get("type", "")
    value: Any = node.attributes.get("data") or node.attributes.get(kind, "")
    if kind == "disabled" or "disabled" in node.attributes:
        kind, value = "disabled", {}
    elif kind == "copy_text":
        value = {"text": value}
    style = {"style": node.attributes["style"]} if node.attributes.get("style") else {}
    return {"text": build_rich_text(node.children), kind: value, **style}


_INLINE_BUILDERS: dict[str, Callable[[HtmlNode], Any]] = {
    "br": lambda _: "\n",
    "a": _build_link,
    "img": _build_emoji,
    "tg-emoji": _build_emoji,
    "tg-time": _build_time,
    "tg-math": lambda node: {"type": "mathematical_expression", "expression": node.get_raw_text()},
    "tg-button": lambda node: {"type": "button", "button": build_button(node)},
    "tg-reference": lambda node: _build_text_object(
        node, type="reference", name=node.attributes.get("name", "")
    ),
}


def _join(pieces: list[Any]) -> Any:
    """Flatten the pieces and join adjacent strings; a single piece is returned alone."""
    flat: list[Any] = []
    for piece in pieces:
        for part in piece if isinstance(piece, list) else [piece]:
            if isinstance(part, str) and flat and isinstance(flat[-1], str):
                flat[-1] += part
            elif part != "":
                flat.append(part)
    if len(flat) <= 1:
        return flat[0] if flat else ""
    return flat


def _trim(text: Any) -> Any:
    """Remove spaces at both ends and around line breaks."""
    pieces = text if isinstance(text, list) else [text]
    pieces = [re.sub(r" *\n *", "\n", part) if isinstance(part, str) else part for part in pieces]
    if isinstance(pieces[0], str):
        pieces[0] = pieces[0].lstrip(" \n")
    if isinstance(pieces[-1], str):
        pieces[-1] = pieces[-1].rstrip(" \n")
    return _join(pieces)
