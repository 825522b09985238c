"""Nodes of rich HTML as `RichText`: a string, a list, or an object with a type."""

import re
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.rich.tree import Node, WrongMarkup
from sandbox.telegram.text.links import WrongLink, checked_link, mentioned_user

_STYLES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "mark": "marked",
    "sub": "subscript",
    "sup": "superscript",
    "tg-spoiler": "spoiler",
}
_BUTTON_FIELDS = {"copy_text": "text"}
"""Actions whose value is an object, with the field that the tag's `data` fills."""


def read_text(nodes: list[Node | str]) -> Any:
    """The text of a paragraph, heading, cell: one line but for `<br>`.

    Raises BotApiError for a block in it, WrongMarkup for a tag that has no place there.
    """
    return _trimmed(_joined([_inline(node) for node in nodes]))


def _inline(node: Node | str) -> Any:
    if isinstance(node, str):
        return re.sub(r"[ \t\r\n]+", " ", node)
    if node.is_block:
        raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
    if node.tag == "br":
        return "\n"
    if node.tag in _STYLES:
        return _with_text(node, type=_STYLES[node.tag])
    special = _SPECIAL.get(node.tag)
    if special is None:
        raise WrongMarkup(f"<{node.tag}> has no place in a text")
    return special(node)


def _with_text(node: Node, **fields: Any) -> Any:
    text = _joined([_inline(child) for child in node.children])
    return {**fields, "text": text} if text else ""


def _link(node: Node) -> Any:
    href, name = node.attributes.get("href"), node.attributes.get("name")
    if href is None:
        anchor = {"type": "anchor", "name": name} if name else ""
        return _joined([anchor, *[_inline(child) for child in node.children]])
    scheme, _, rest = href.partition(":")
    if href.startswith("#"):
        return _with_text(node, type="anchor_link", anchor_name=href[1:])
    if scheme == "mailto":
        return _with_text(node, type="email_address", email_address=rest)
    if scheme == "tel":
        return _with_text(node, type="phone_number", phone_number=rest)
    user_id = mentioned_user(href)
    if user_id is not None:
        return _with_text(node, type="text_mention", user={"id": user_id})
    try:
        return _with_text(node, type="url", url=checked_link(href))
    except WrongLink:
        return _joined([_inline(child) for child in node.children])


def _emoji(node: Node) -> Any:
    emoji_id = node.attributes.get("emoji-id") or node.attributes.get("src", "").partition("id=")[2]
    shown = node.attributes.get("alt") or node.raw_text()
    return {"type": "custom_emoji", "custom_emoji_id": emoji_id, "alternative_text": shown}


def _time(node: Node) -> Any:
    unix = node.attributes.get("unix", "")
    if not re.fullmatch(r"\d{1,12}", unix):
        raise WrongMarkup("<tg-time> needs a Unix time")
    shape = node.attributes.get("format", "")
    return _with_text(node, type="date_time", unix_time=int(unix), date_time_format=shape)


def _formula(node: Node) -> Any:
    return {"type": "mathematical_expression", "expression": node.raw_text()}


def _button(node: Node) -> Any:
    return {"type": "button", "button": read_button(node)}


def read_button(node: Node) -> dict[str, Any]:
    """`<tg-button type="callback_data" data="…" style="…">text</tg-button>`."""
    kind = node.attributes.get("type", "")
    value: Any = node.attributes.get("data") or node.attributes.get(kind, "")
    if kind == "disabled" or "disabled" in node.attributes:
        kind, value = "disabled", {}
    elif kind in _BUTTON_FIELDS:
        value = {_BUTTON_FIELDS[kind]: value}
    style = {"style": node.attributes["style"]} if node.attributes.get("style") else {}
    return {"text": read_text(node.children), kind: value, **style}


def _reference(node: Node) -> Any:
    return _with_text(node, type="reference", name=node.attributes.get("name", ""))


_SPECIAL = {
    "a": _link,
    "img": _emoji,
    "tg-emoji": _emoji,
    "tg-time": _time,
    "tg-math": _formula,
    "tg-button": _button,
    "tg-reference": _reference,
}


def _joined(pieces: list[Any]) -> Any:
    """Flat, with neighbouring strings made one; a single piece stands alone."""
    flat: list[Any] = []
    for piece in pieces:
        for one in piece if isinstance(piece, list) else [piece]:
            if isinstance(one, str) and flat and isinstance(flat[-1], str):
                flat[-1] += one
            elif one != "":
                flat.append(one)
    if len(flat) <= 1:
        return flat[0] if flat else ""
    return flat


def _trimmed(text: Any) -> Any:
    """Without spaces at both ends and around line breaks."""
    pieces = text if isinstance(text, list) else [text]
    pieces = [re.sub(r" *\n *", "\n", one) if isinstance(one, str) else one for one in pieces]
    if isinstance(pieces[0], str):
        pieces[0] = pieces[0].lstrip(" \n")
    if isinstance(pieces[-1], str):
        pieces[-1] = pieces[-1].rstrip(" \n")
    return _joined(pieces)
