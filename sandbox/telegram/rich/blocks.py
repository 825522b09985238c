"""Nodes of rich HTML as the blocks of an `InputRichMessage`."""

from collections.abc import Callable
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.rich.inline import read_button, read_text
from sandbox.telegram.rich.media import media_block
from sandbox.telegram.rich.tree import Node, WrongMarkup

Block = dict[str, Any]

MEDIA = ("img", "video", "audio", "tg-document")
_ALIGNED = ("left", "center", "right")


def read_blocks(nodes: list[Node | str]) -> list[Block]:
    """The blocks; text between them becomes paragraphs."""
    blocks: list[Block] = []
    text: list[Node | str] = []
    for node in nodes:
        if isinstance(node, Node) and node.is_block:
            blocks += _paragraph(text)
            blocks += _read_block(node)
            text = []
        else:
            text.append(node)
    return blocks + _paragraph(text)


def _paragraph(nodes: list[Node | str]) -> list[Block]:
    text = read_text(nodes)
    if isinstance(text, dict) and text["type"] == "anchor":
        return [text]
    return [{"type": "paragraph", "text": text}] if text else []


def _read_block(node: Node) -> list[Block]:
    if node.tag == "p":
        return _paragraph(node.children)
    if node.tag in MEDIA:
        return [media_block(node.tag, node.attributes)]
    return [_READERS[node.tag](node)]


def _heading(node: Node) -> Block:
    return {"type": "heading", "size": int(node.tag[1]), "text": read_text(node.children)}


def _pre(node: Node) -> Block:
    code = node.nodes("code")
    name = code[0].attributes.get("class", "") if len(node.children) == 1 and code else ""
    language = name.removeprefix("language-") if name.startswith("language-") else ""
    block = {"type": "pre", "text": node.raw_text().removeprefix("\n").rstrip("\n")}
    return block | ({"language": language} if language else {})


def _list(node: Node) -> Block:
    if any(one.strip() if isinstance(one, str) else one.tag != "li" for one in node.children):
        raise WrongMarkup(f"<{node.tag}> holds only <li>")
    items = node.nodes("li")
    numbers = _numbers(node, items) if node.tag == "ol" else [{}] * len(items)
    return {
        "type": "list",
        "items": [_item(one) | number for one, number in zip(items, numbers, strict=True)],
    }


def _numbers(node: Node, items: list[Node]) -> list[Block]:
    is_reversed = "reversed" in node.attributes
    number = _whole(node, "start", len(items) if is_reversed else 1)
    numbers: list[Block] = []
    for item in items:
        number = _whole(item, "value", number)
        kind = item.attributes.get("type") or node.attributes.get("type") or "1"
        numbers.append({"value": number, "type": kind})
        number += -1 if is_reversed else 1
    return numbers


def _item(node: Node) -> Block:
    boxes = node.nodes("input")
    item: Block = {"blocks": read_blocks(node.without("input"))}
    if not boxes:
        return item
    is_checked = {"is_checked": True} if "checked" in boxes[0].attributes else {}
    return {**item, "has_checkbox": True, **is_checked}


def _quote(node: Node) -> Block:
    body = node.without("cite")
    if {"expandable", "collapsed"} & node.attributes.keys():
        quote: Block = {"type": "expandable_blockquote", "text": read_text(body)}
    else:
        quote = {"type": "blockquote", "blocks": read_blocks(body)}
    return quote | _credit(node)


def _aside(node: Node) -> Block:
    return {"type": "pullquote", "text": read_text(node.without("cite")), **_credit(node)}


def _credit(node: Node) -> Block:
    cite = node.nodes("cite")
    return {"credit": read_text(cite[0].children)} if cite else {}


def _details(node: Node) -> Block:
    summary = node.nodes("summary")
    block: Block = {
        "type": "details",
        "summary": read_text(summary[0].children) if summary else "",
        "blocks": read_blocks(node.without("summary")),
    }
    return block | ({"is_open": True} if "open" in node.attributes else {})


def _table(node: Node) -> Block:
    rows = [[_cell(cell) for cell in row.nodes("td", "th")] for row in node.nodes("tr")]
    caption = node.nodes("caption")
    flags = [name for name in ("bordered", "striped", "compact") if name in node.attributes]
    return {
        "type": "table",
        "cells": rows,
        **{f"is_{flag}": True for flag in flags},
        **({"caption": read_text(caption[0].children)} if caption else {}),
    }


def _cell(node: Node) -> Block:
    cell: Block = {
        "align": node.attributes.get("align") or "left",
        "valign": node.attributes.get("valign") or "middle",
    }
    text = read_text(node.children)
    if text:
        cell["text"] = text
    if node.tag == "th":
        cell["is_header"] = True
    spans = {name: _whole(node, name, 1) for name in ("colspan", "rowspan")}
    return cell | {name: span for name, span in spans.items() if span > 1}


def _figure(node: Node) -> Block:
    found = read_blocks(node.without("figcaption"))
    if len(found) != 1:
        raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
    return found[0] | _caption(node)


def _caption(node: Node) -> Block:
    given = node.nodes("figcaption")
    if not given:
        return {}
    return {"caption": {"text": read_text(given[0].without("cite")), **_credit(given[0])}}


def _gallery(node: Node) -> Block:
    kind = node.tag.removeprefix("tg-")
    return {"type": kind, "blocks": read_blocks(node.without("figcaption")), **_caption(node)}


def _map(node: Node) -> Block:
    try:
        place = {name: float(node.attributes[short]) for name, short in _PLACE.items()}
    except (KeyError, ValueError) as error:
        raise WrongMarkup("<tg-map> needs lat and long") from error
    return {"type": "map", "location": place, "zoom": _whole(node, "zoom", 13)}


_PLACE = {"latitude": "lat", "longitude": "long"}


def _buttons(node: Node) -> Block:
    block: Block = {
        "type": "buttons",
        "buttons": [read_button(one) for one in node.nodes("tg-button")],
    }
    align = node.attributes.get("align")
    return block | ({"align": align} if align in _ALIGNED else {})


def _texts(kind: str, node: Node) -> Block:
    return {"type": kind, "text": read_text(node.children)}


def _whole(node: Node, name: str, default: int) -> int:
    try:
        return int(node.attributes.get(name, default))
    except ValueError:
        return default


_READERS: dict[str, Callable[[Node], Block]] = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), _heading),
    "pre": _pre,
    "footer": lambda node: _texts("footer", node),
    "hr": lambda _: {"type": "divider"},
    "ul": _list,
    "ol": _list,
    "blockquote": _quote,
    "aside": _aside,
    "details": _details,
    "table": _table,
    "figure": _figure,
    "tg-map": _map,
    "tg-collage": _gallery,
    "tg-slideshow": _gallery,
    "tg-math-block": lambda node: {
        "type": "mathematical_expression",
        "expression": node.raw_text().strip(),
    },
    "tg-button-row": _buttons,
    "tg-thinking": lambda node: _texts("thinking", node),
}
