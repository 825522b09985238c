"""A rich message as plain text, for previews, searches and `./manage.py chat`."""

from typing import Any

from sandbox.telegram.rich.columns import Cell, aligned


def plain_text(blocks: list[dict[str, Any]]) -> str:
    """One line for a paragraph, an item or a row; cells are parted by ` | ` in aligned columns."""
    return "\n".join(line for block in blocks for line in _lines(block) if line)


def flat(text: Any) -> str:
    """The characters of a rich text; formulas as their source."""
    if isinstance(text, str):
        return text
    if isinstance(text, list):
        return "".join(flat(one) for one in text)
    if "button" in text:
        return flat(text["button"]["text"])
    shown = text.get("text") or text.get("alternative_text") or text.get("expression") or ""
    return flat(shown)


def _lines(block: dict[str, Any]) -> list[str]:
    lines = [flat(block[name]) for name in ("summary", "text") if name in block]
    lines += [block["expression"]] if "expression" in block else []
    lines += [line for one in block.get("blocks", []) for line in _lines(one)]
    for item in block.get("items", []):
        lines += _item_lines(item)
    lines += aligned([[_cell(cell) for cell in row] for row in block.get("cells", [])])
    if block.get("buttons"):
        lines.append(" ".join(f"[{flat(button['text'])}]" for button in block["buttons"]))
    caption = block.get("caption")
    if caption:
        lines.append(flat(caption))
    return lines + ([f"— {flat(block['credit'])}"] if block.get("credit") else [])


def _cell(cell: dict[str, Any]) -> Cell:
    return " ".join(flat(cell.get("text", "")).split()), cell["align"]


def _item_lines(item: dict[str, Any]) -> list[str]:
    lines = [line for one in item["blocks"] for line in _lines(one)] or [""]
    mark = item["label"]
    if item.get("has_checkbox"):
        mark = "☑" if item.get("is_checked") else "☐"
    return [f"{mark} {lines[0]}".rstrip(), *(f"  {line}" for line in lines[1:])]
