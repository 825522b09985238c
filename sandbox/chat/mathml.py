"""Formulas for the chat page: LaTeX converted to a JSON tree of MathML elements."""

from functools import lru_cache
from html import unescape
from typing import Any
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

MAX_SOURCE_LENGTH = 4000


@lru_cache(maxsize=500)
def latex_to_mathml(source: str, display: str) -> dict[str, Any] | None:
    """Return `{tag, attributes, children}` with texts as strings; None for invalid LaTeX.

    `display` is "block" or "inline".
    """
    if len(source) > MAX_SOURCE_LENGTH:
        return None
    try:
        return _to_tree(convert_to_element(source, display=display))
    except Exception:  # the converter raises errors of many unrelated types
        return None


def _to_tree(element: Element) -> dict[str, Any]:
    children: list[Any] = [unescape(element.text)] if element.text else []
    children += [_to_tree(child) for child in element]
    return {"tag": element.tag, "attributes": dict(element.attrib), "children": children}
