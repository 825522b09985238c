"""Conversion of rich HTML nodes to the blocks of an `InputRichMessage`."""

from collections.abc import Callable
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.rich.html_tree import HtmlNode, InvalidRichMarkup
from sandbox.telegram.rich.inline_text import build_button, build_rich_text
from sandbox.telegram.rich.media import build_media_block

Block = dict[str, Any]

MEDIA_TAGS = ("img", "video", "audio", "tg-document")
_ALIGNMENTS = ("left", "center", "right")


def build_blocks(nodes: list[HtmlNode | str]) -> list[Block]:
    """Return the blocks; text between them becomes paragraphs."""
    blocks: list[Block] = []
    text: list[HtmlNode | str] = []
    for node in nodes:
        if isinstance(node, HtmlNode) and node.is_block:
            blocks += _build_paragraph(text)
            blocks += _build_block(node)
            text = []
        else:
            text.append(node)
    return blocks + _build_paragraph(text)


def _build_paragraph(nodes: list[HtmlNode | str]) -> list[Block]:
    text = build_rich_text(nodes)
    if isinstance(text, dict) and text["type"] == "anchor":
        return [text]
    return [{"type": "paragraph", "text": text}] if text else []


def _build_block(node: HtmlNode) -> list[Block]:
    if node.tag == "p":
        return _build_paragraph(node.children)
    if node.tag in MEDIA_TAGS:
        return [build_media_block(node.tag, node.attributes)]
    return [_BLOCK_BUILDERS[node.tag](node)]


def _build_heading(node: HtmlNode) -> Block:
    return {"type": "heading", "size": int(node.tag[1]), "text": build_rich_text(node.children)}


def _build_pre(node: HtmlNode) -> Block:
    code = node.find_children("code")
    name = code[0].attributes.get("class", "") if len(node.children) == 1 and code else ""
    language = name.removeprefix("language-") if name.startswith("language-") else ""
    block = {"type": "pre", "text": node.get_raw_text().removeprefix("\n").rstrip("\n")}
    return block | ({"language": language} if language else {})


def _build_list(node: HtmlNode) -> Block:
    if any(one.strip() if isinstance(one, str) else one.tag != "li" for one in node.children):
        raise InvalidRichMarkup(f"<{node.tag}> may contain only <li>")
    items = node.find_children("li")
    numbers = _number_items(node, items) if node.tag == "ol" else [{}] * len(items)
    return {
        "type": "list",
        "items": [_build_item(one) | number for one, number in zip(items, numbers, strict=True)],
    }


def _number_items(node: HtmlNode, items: list[HtmlNode]) -> list[Block]:
    is_reversed = "reversed" in node.attributes
    number = _parse_int_attribute(node, "start", len(items) if is_reversed else 1)
    numbers: list[Block] = []
    for item in items:
        number = _parse_int_attribute(item, "value", number)
        kind = item.attributes.get("type") or node.attributes.get("type") or "1"
        numbers.append({"value": number, "type": kind})
        number += -1 if is_reversed else 1
    return numbers


def _build_item(node: HtmlNode) -> Block:
    boxes = node.find_children("input")
    item: Block = {"blocks": build_blocks(node.get_children_without("input"))}
    if not boxes:
        return item
    is_checked = {"is_checked": True} if "checked" in boxes[0].attributes else {}
    return {**item, "has_checkbox": True, **is_checked}


def _build_quote(node: HtmlNode) -> Block:
    body = node.get_children_without("cite")
    if {"expandable", "collapsed"} & node.attributes.keys():
        quote: Block = {"type": "expandable_blockquote", "text": build_rich_text(body)}
    else:
        quote = {"type": "blockquote", "blocks": build_blocks(body)}
    return quote | _build_credit(node)


def _build_pull_quote(node: HtmlNode) -> Block:
    return {
        "type": "pullquote",
        "text": build_rich_text(node.get_children_without("cite")),
        **_build_credit(node),
    }


def _build_credit(node: HtmlNode) -> Block:
    cite = node.find_children("cite")
    return {"credit": build_rich_text(cite[0].children)} if cite else {}


def _build_details(node: HtmlNode) -> Block:
    summary = node.find_children("summary")
    block: Block = {
        "type": "details",
        "summary": build_rich_text(summary[0].children) if summary else "",
        "blocks": build_blocks(node.get_children_without("summary")),
    }
    return block | ({"is_open": True} if "open" in node.attributes else {})


def _build_table(node: HtmlNode) -> Block:
    rows = [
        [_build_cell(cell) for cell in row.find_children("td", "th")]
        for row in node.find_children("tr")
    ]
    caption = node.find_children("caption")
    flags = [name for name in ("bordered", "striped", "compact") if name in node.attributes]
    return {
        "type": "table",
        "cells": rows,
        **{f"is_{flag}": True for flag in flags},
        **({"caption": build_rich_text(caption[0].children)} if caption else {}),
    }


def _build_cell(node: HtmlNode) -> Block:
    cell: Block = {
        "align": node.attributes.get("align") or "left",
        "valign": node.attributes.get("valign") or "middle",
    }
    text = build_rich_text(node.children)
    if text:
        cell["text"] = text
    if node.tag == "th":
        cell["is_header"] = True
    spans = {name: _parse_int_attribute(node, name, 1) for name in ("colspan", "rowspan")}
    return cell | {name: span for name, span in spans.items() if span > 1}


def _build_figure(node: HtmlNode) -> Block:
    found = build_blocks(node.get_children_without("figcaption"))
    if len(found) != 1:
        raise bad_request("RICH_MESSAGE_CONTENT_REQUIRED")
    return found[0] | _build_caption(node)


def _build_caption(node: HtmlNode) -> Block:
    given = node.find_children("figcaption")
    if not given:
        return {}
    return {
        "caption": {
            "text": build_rich_text(given[0].get_children_without("cite")),
            **_build_credit(given[0]),
        }
    }


def _build_gallery(node: HtmlNode) -> Block:
    kind = node.tag.removeprefix("tg-")
    return {
        "type": kind,
        "blocks": build_blocks(node.get_children_without("figcaption")),
        **_build_caption(node),
    }


def _build_map(node: HtmlNode) -> Block:
    try:
        place = {
            name: float(node.attributes[short]) for name, short in _LOCATION_ATTRIBUTES.items()
        }
    except (KeyError, ValueError) as error:
        raise InvalidRichMarkup("<tg-map> needs lat and long") from error
    return {"type": "map", "location": place, "zoom": _parse_int_attribute(node, "zoom", 13)}


_LOCATION_ATTRIBUTES = {"latitude": "lat", "longitude": "long"}


def _build_buttons(node: HtmlNode) -> Block:
    block: Block = {
        "type": "buttons",
        "buttons": [build_button(one) for one in node.find_children("tg-button")],
    }
    align = node.attributes.get("align")
    return block | ({"align": align} if align in _ALIGNMENTS else {})


def _build_text_block(kind: str, node: HtmlNode) -> Block:
    return {"type": kind, "text": build_rich_text(node.children)}


def _parse_int_attribute(node: HtmlNode, name: str, default: int) -> int:
    try:
        return int(node.attributes.get(name, default))
    except ValueError:
        return default


_BLOCK_BUILDERS: dict[str, Callable[[HtmlNode], Block]] = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), _build_heading),
    "pre": _build_pre,
    "footer": lambda node: _build_text_block("footer", node),
    "hr": lambda _: {"type": "divider"},
    "ul": _build_list,
    "ol": _build_list,
    "blockquote": _build_quote,
    "aside": _build_pull_quote,
    "details": _build_details,
    "table": _build_table,
    "figure": _build_figure,
    "tg-map": _build_map,
    "tg-collage": _build_gallery,
    "tg-slideshow": _build_gallery,
    "tg-math-block": lambda node: {
        "type": "mathematical_expression",
        "expression": node.get_raw_text().strip(),
    },
    "tg-button-row": _build_buttons,
    "tg-thinking": lambda node: _build_text_block("thinking", node),
}
