"""Conversion of rich HTML nodes to the blocks of an `InputRichMessage`."""

from collections.abc import Callable
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.rich.html_tree import HtmlNode, InvalidRichMarkup
from sandbox.telegram.rich.inline_text import build_button, build_rich_text
from sandbox.telegram.rich.media import TYPE_BY_TAG, build_media_block
from sandbox.telegram.rich.schema import ALIGNMENTS

Block = dict[str, Any]


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
    return [_BLOCK_BUILDERS[node.tag](node)]


def _build_text_block(kind: str, node: HtmlNode) -> Block:
    return {"type": kind, "text": build_rich_text(node.children)}


def _build_child_field(node: HtmlNode, tag: str, field: str) -> Block:
    """Return the text of the first child with this tag as a field; nothing without such a child."""
    found = node.find_children(tag)
    return {field: build_rich_text(found[0].children)} if found else {}


def _build_pre(node: HtmlNode) -> Block:
    code = node.find_children("code")
    name = code[0].attributes.get("class", "") if len(node.children) == 1 and code else ""
    language = name.removeprefix("language-") if name.startswith("language-") else ""
    block = {"type": "pre", "text": node.get_raw_text().removeprefix("\n").rstrip("\n")}
    return block | ({"language": language} if language else {})


def _build_list(node: HtmlNode) -> Block:
    others = node.get_children_without("li")
    if any(isinstance(child, HtmlNode) or child.strip() for child in others):
        raise InvalidRichMarkup(f"<{node.tag}> may contain only <li>")
    nodes = node.find_children("li")
    items = [_build_item(li) for li in nodes]
    if node.tag == "ol":
        is_reversed = "reversed" in node.attributes
        number = _parse_int_attribute(node, "start", len(items) if is_reversed else 1)
        for li, item in zip(nodes, items, strict=True):
            number = _parse_int_attribute(li, "value", number)
            kind = li.attributes.get("type") or node.attributes.get("type") or "1"
            item |= {"value": number, "type": kind}
            number += -1 if is_reversed else 1
    return {"type": "list", "items": items}


def _build_item(node: HtmlNode) -> Block:
    item: Block = {"blocks": build_blocks(node.get_children_without("input"))}
    for box in node.find_children("input")[:1]:
        item |= {"has_checkbox": True} | _build_flags(box, "checked")
    return item


def _build_flags(node: HtmlNode, *names: str) -> Block:
    return {f"is_{name}": True for name in names if name in node.attributes}


def _build_quote(node: HtmlNode) -> Block:
    body = node.get_children_without("cite")
    if node.tag == "aside":
        quote: Block = {"type": "pullquote", "text": build_rich_text(body)}
    elif {"expandable", "collapsed"} & node.attributes.keys():
        quote = {"type": "expandable_blockquote", "text": build_rich_text(body)}
    else:
        quote = {"type": "blockquote", "blocks": build_blocks(body)}
    return quote | _build_child_field(node, "cite", "credit")


def _build_details(node: HtmlNode) -> Block:
    return {
        "type": "details",
        "summary": "",
        **_build_child_field(node, "summary", "summary"),
        "blocks": build_blocks(node.get_children_without("summary")),
        **_build_flags(node, "open"),
    }


def _build_table(node: HtmlNode) -> Block:
    rows = node.find_children("tr")
    return {
        "type": "table",
        "cells": [[_build_cell(cell) for cell in row.find_children("td", "th")] for row in rows],
        **_build_flags(node, "bordered", "striped", "compact"),
        **_build_child_field(node, "caption", "caption"),
    }


def _build_cell(node: HtmlNode) -> Block:
    cell: Block = {
        "align": node.attributes.get("align") or "left",
        "valign": node.attributes.get("valign") or "middle",
    }
    if text := build_rich_text(node.children):
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


def _build_gallery(node: HtmlNode) -> Block:
    blocks = build_blocks(node.get_children_without("figcaption"))
    return {"type": node.tag.removeprefix("tg-"), "blocks": blocks, **_build_caption(node)}


def _build_caption(node: HtmlNode) -> Block:
    for given in node.find_children("figcaption")[:1]:
        text = build_rich_text(given.get_children_without("cite"))
        return {"caption": {"text": text, **_build_child_field(given, "cite", "credit")}}
    return {}


def _build_map(node: HtmlNode) -> Block:
    try:
        latitude, longitude = (float(node.attributes[name]) for name in ("lat", "long"))
    except (KeyError, ValueError) as error:
        raise InvalidRichMarkup("<tg-map> needs lat and long") from error
    place = {"latitude": latitude, "longitude": longitude}
    return {"type": "map", "location": place, "zoom": _parse_int_attribute(node, "zoom", 13)}


def _build_buttons(node: HtmlNode) -> Block:
    buttons = [build_button(button) for button in node.find_children("tg-button")]
    align = node.attributes.get("align")
    aligned = {"align": align} if align in ALIGNMENTS else {}
    return {"type": "buttons", "buttons": buttons, **aligned}


def _parse_int_attribute(node: HtmlNode, name: str, default: int) -> int:
    try:
        return int(node.attributes.get(name, default))
    except ValueError:
        return default


_BLOCK_BUILDERS: dict[str, Callable[[HtmlNode], Block]] = {
    **dict.fromkeys(
        ("h1", "h2", "h3", "h4", "h5", "h6"),
        lambda node: _build_text_block("heading", node) | {"size": int(node.tag[1])},
    ),
    "pre": _build_pre,
    "footer": lambda node: _build_text_block("footer", node),
    "hr": lambda _: {"type": "divider"},
    **dict.fromkeys(("ul", "ol"), _build_list),
    **dict.fromkeys(("blockquote", "aside"), _build_quote),
    "details": _build_details,
    "table": _build_table,
    "figure": _build_figure,
    **dict.fromkeys(TYPE_BY_TAG, lambda node: build_media_block(node.tag, node.attributes)),
    "tg-map": _build_map,
    **dict.fromkeys(("tg-collage", "tg-slideshow"), _build_gallery),
    "tg-math-block": lambda node: {
        "type": "mathematical_expression",
        "expression": node.get_raw_text().strip(),
    },
    "tg-button-row": _build_buttons,
    "tg-thinking": lambda node: _build_text_block("thinking", node),
}
