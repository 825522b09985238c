r"""Repairs a model's Markdown, so that both forms of a message show what was meant.

Raw HTML, which Telegram would drop, is shown literally. An image becomes a link, because Telegram
would fetch a URL that the model chose. `~5` strikes nothing out, and an empty table cell (`||`)
starts no spoiler.

Formulas, which models write as `$x$`, `\(x\)` and `\[x\]`, are told from prices. In doubt it is no
formula: `$x$` is readable as plain text, a price without its sign is not.
"""

import re

from .markdown_source import Edit, Event, apply_edits, get_start_tag, parse_events

_MAX_PASSES = 10
"""Escaping HTML in one pass may reveal more HTML to the next."""

_EMPTY_IMAGE = b"![]"
_BLANK = re.compile(rb"[ \t]*")
_EMPTY_CELL = re.compile(rb"(?<=\|)(?=\|)")
_BRACKETS = re.compile(  # no opening bracket inside: otherwise the scan is quadratic
    rb"\\\(((?:(?!\\[()]).){1,1000})\\\)|\\\[((?:(?!\\[\[\]]).){1,4000})\\\]", re.DOTALL
)
_SIGNS = r"[\^_=<>+*/|{}±×÷·√∑∏∫∞≈≠≤≥→∈∀∃∂∇]"
_MINUS = r"[A-Za-zα-ωΑ-Ω)]\s*-\s*[\w(\\]|-\s*[A-Za-zα-ω(\\]"
_SIGN = re.compile(rf"\\[A-Za-z]+|{_SIGNS}|{_MINUS}")
_NUMBER = r"-?\d+(?:[.,]\d+)?%?"
_NAME = r"[A-Za-zα-ωΑ-Ω]'*"
_CALL = r"[A-Za-z]\w?\([\w,\s]{1,9}\)"
_LIST = r"\w(?:,\s*\w)+"
_SHORT_FORMULA = re.compile(rf"{_NUMBER}|{_NAME}|{_CALL}|{_LIST}")
_TEXT_COMMAND = re.compile(r"\\(?:text\w*|mathrm|operatorname|mbox)\s*\{[^{}]*\}")
_PROSE = re.compile(r"[А-Яа-яЁё]{3,}|(?<![\\A-Za-z])[a-z]{3,}\s+[a-z]{2,}\s", re.IGNORECASE)
_MONEY = re.compile(r"\d[^\\^_={}]*\s[^\W\d_]{2,}")
_ORDINAL_SUFFIX = re.compile(r"(?:th|st|nd|rd|s)\b")
_MAX_SUFFIX_LENGTH = 8


def sanitize_markdown(markdown: str) -> str:
    """Return the repaired source. Raises ValueError if HTML is nested too deeply."""
    markdown = _normalize_math_delimiters(markdown)
    for _ in range(_MAX_PASSES):
        source = markdown.encode()
        edits = [edit for event in parse_events(markdown) for edit in _find_edits(event, source)]
        if not edits:
            return markdown
        markdown = apply_edits(markdown, edits)
    raise ValueError("too deeply nested HTML")


def _find_edits(event: Event, source: bytes) -> list[Edit]:
    payload, start, end = event
    if not isinstance(payload, dict):
        return []
    if "Html" in payload or "InlineHtml" in payload:  # a line of an HTML block may be indented
        at = start + len(_BLANK.match(source, start)[0])  # type: ignore[index] # matches anywhere
        return [(at, at, b"\\")] if source.startswith(b"<", at) else []
    match get_start_tag(payload)[0]:
        case "Image":
            return [_image_to_link_edit(source, start)]
        case "Strikethrough" if source[start + 1 : start + 2] != b"~":
            return [(at, at, b"\\") for at in (start, end - 1)]
        case "Table":
            cells = _EMPTY_CELL.finditer(source, start, end)
            return [(cell.start(), cell.start(), b" ") for cell in cells]
    return _find_currency_edits(event, source)


def _image_to_link_edit(source: bytes, start: int) -> Edit:
    if source.startswith(_EMPTY_IMAGE, start):  # a link needs text
        return start, start + len(_EMPTY_IMAGE), "[🖼]".encode()
    return start, start + 1, b""


def _normalize_math_delimiters(markdown: str) -> str:
    r"""Replace `\(…\)` by `$…$` and `\[…\]` by `$$…$$`, outside code."""
    if "\\(" not in markdown and "\\[" not in markdown:
        return markdown
    code_spans = _find_code_spans(markdown)
    edits: list[Edit] = []
    for found in _BRACKETS.finditer(markdown.encode()):
        content, sign = (found[1], b"$") if found[1] is not None else (found[2], b"$$")
        is_code = any(start < found.end() and found.start() < end for start, end in code_spans)
        if not is_code and b"$" not in content and _is_formula(content.decode()):
            edits.append((*found.span(), sign + content.strip() + sign))
    return apply_edits(markdown, edits)


def _find_currency_edits(event: Event, source: bytes) -> list[Edit]:
    """Return edits that escape the signs of an event that the parser mistakes for a formula."""
    (payload, start, end), width = event, 1
    if isinstance(payload, dict) and "InlineMath" in payload:
        is_math = _is_standalone(source, start, end) and _is_formula(payload["InlineMath"])
    elif isinstance(payload, dict) and "DisplayMath" in payload:
        is_math, width = _is_formula(payload["DisplayMath"]), 2
        is_math = is_math and b"$" not in (source[:start][-1:], source[end : end + 1])
    else:
        return []
    signs = [*range(start, start + width), *range(end - width, end)]
    return [] if is_math else [(at, at, b"\\") for at in signs]


def _is_formula(content: str) -> bool:
    """Return whether the content between the signs is a formula."""
    bare = _TEXT_COMMAND.sub("", content).strip()
    if not re.search(r"\w", content) or _PROSE.search(bare) or _MONEY.match(bare):
        return False
    return bool(_SHORT_FORMULA.fullmatch(bare) or _SIGN.search(content))


def _is_standalone(source: bytes, start: int, end: int) -> bool:
    """Return whether the span is not part of a word: not `US$5-$6`, but `the $n$th`."""
    before = source[:start][-1:].decode(errors="replace")
    after = source[end : end + _MAX_SUFFIX_LENGTH].decode(errors="ignore")
    if before.isalnum() or before == "$" or after[:1].isdigit() or after[:1] == "$":
        return False
    return not after[:1].isalpha() or _ORDINAL_SUFFIX.match(after) is not None


def _find_code_spans(markdown: str) -> list[tuple[int, int]]:
    return [
        (start, end)
        for event, start, end in parse_events(markdown)
        if get_start_tag(event)[0] == "CodeBlock" or (isinstance(event, dict) and "Code" in event)
    ]
