"""Plain text of rich messages, for previews and `./manage.py chat`."""

from typing import Any

from sandbox.telegram.rich.plain_text_table import TextCell, align_rows


def render_plain_text(blocks: list[dict[str, Any]]) -> str:
    """Return a line for each paragraph, item and row; table columns are aligned."""
    return "\n".join(line for block in blocks for line in _render_lines(block) if line)


def flatten_rich_text(text: Any) -> str:
    """Return the characters of a rich text; formulas as their source."""
    if isinstance(text, str):
        return text
    if isinstance(text, list):
        return "".join(flatten_rich_text(piece) for piece in text)
    if "button" in text:
        return flatten_rich_text(text["button"]["text"])
    shown = text.get("text") or text.get("alternative_text") or text.get("expression") or ""
    return flatten_rich_text(shown)


def _render_lines(block: dict[str, Any]) -> list[str]:
    lines = [flatten_rich_text(block[name]) for name in ("summary", "text") if name in block]
    lines += [block["expression"]] if "expression" in block else []
    lines += [line for inner in block.get("blocks", []) for line in _render_lines(inner)]
    lines += [line for item in block.get("items", []) for line in _render_item_lines(item)]
    lines += align_rows([[_render_cell(cell) for cell in row] for row in block.get("cells", [])])
    buttons = [f"[{flatten_rich_text(button['text'])}]" for button in block.get("buttons", [])]
    lines += [" ".join(buttons)] if buttons else []
    lines += [flatten_rich_text(block["caption"])] if block.get("caption") else []
    return lines + ([f"— {flatten_rich_text(block['credit'])}"] if block.get("credit") else [])


def _render_cell(cell: dict[str, Any]) -> TextCell:
    return " ".join(flatten_rich_text(cell.get("text", "")).split()), cell["align"]


def _render_item_lines(item: dict[str, Any]) -> list[str]:
    lines = [line for block in item["blocks"] for line in _render_lines(block)] or [""]
    mark = item["label"]
    if item.get("has_checkbox"):
        mark = "☑" if item.get("is_checked") else "☐"
    return [f"{mark} {lines[0]}".rstrip(), *(f"  {line}" for line in lines[1:])]
