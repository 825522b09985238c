r"""What is a formula and what is money; models also write `\(x\)` and `\[x\]`.

Whatever is doubtful is no formula: `$x$` shown as it was written can be read, a price that has lost
its sign cannot.
"""

import re

from .edits import Edit, edited
from .parsing import Event, read_events, started

_BRACKETS = (
    re.compile(  # no opening within: a thousand of them must not be scanned a thousand times
        rb"\\\(((?:(?!\\[()]).){1,1000})\\\)|\\\[((?:(?!\\[\[\]]).){1,4000})\\\]", re.DOTALL
    )
)
_SIGNS = r"[\^_=<>+*/|{}±×÷·√∑∏∫∞≈≠≤≥→∈∀∃∂∇]"
_MINUS = r"[A-Za-zα-ωΑ-Ω)]\s*-\s*[\w(\\]|-\s*[A-Za-zα-ω(\\]"
_SIGN = re.compile(rf"\\[A-Za-z]+|{_SIGNS}|{_MINUS}")
_NUMBER = r"-?\d+(?:[.,]\d+)?%?"
_NAME = r"[A-Za-zα-ωΑ-Ω]'*"
_CALL = r"[A-Za-z]\w?\([\w,\s]{1,9}\)"
_LIST = r"\w(?:,\s*\w)+"
_SHORT = re.compile(rf"{_NUMBER}|{_NAME}|{_CALL}|{_LIST}")
_QUOTED = re.compile(r"\\(?:text\w*|mathrm|operatorname|mbox)\s*\{[^{}]*\}")
_WORDS = re.compile(r"[А-Яа-яЁё]{3,}|(?<![\\A-Za-z])[a-z]{3,}\s+[a-z]{2,}\s", re.IGNORECASE)
_MONEY = re.compile(r"\d[^\\^_={}]*\s[^\W\d_]{2,}")
_ENDING = re.compile(r"(?:th|st|nd|rd|s)\b")
_LONGEST_ENDING = 8


def with_dollars(markdown: str) -> str:
    r"""With `$…$` in place of `\(…\)` and `$$…$$` in place of `\[…\]`, outside code."""
    if "\\(" not in markdown and "\\[" not in markdown:
        return markdown
    source, code = markdown.encode(), [*_code(markdown)]
    return edited(
        markdown,
        (
            (found.start(), found.end(), b"%b%b%b" % (sign, content.strip(), sign))
            for found in _BRACKETS.finditer(source)
            for content, sign in [_content(found)]
            if b"$" not in content
            and is_formula(content.decode())
            and not any(start < found.end() and found.start() < end for start, end in code)
        ),
    )


def money_edits(event: Event, source: bytes) -> list[Edit]:
    """Escapes both signs of what the parser takes for a formula and is none."""
    (payload, start, end), width = event, 1
    if isinstance(payload, dict) and "InlineMath" in payload:
        is_one = _stands_alone(source, start, end) and is_formula(payload["InlineMath"])
    elif isinstance(payload, dict) and "DisplayMath" in payload:
        is_one, width = is_formula(payload["DisplayMath"]), 2
        is_one = is_one and b"$" not in (source[:start][-1:], source[end : end + 1])
    else:
        return []
    signs = [*range(start, start + width), *range(end - width, end)]
    return [] if is_one else [(at, at, b"\\") for at in signs]


def is_formula(content: str) -> bool:
    """Whether what stands between the signs is mathematics."""
    bare = _QUOTED.sub("", content).strip()
    if not re.search(r"\w", content) or _WORDS.search(bare) or _MONEY.match(bare):
        return False
    return bool(_SHORT.fullmatch(bare) or _SIGN.search(content))


def _content(found: re.Match[bytes]) -> tuple[bytes, bytes]:
    return (found[1], b"$") if found[1] is not None else (found[2], b"$$")


def _stands_alone(source: bytes, start: int, end: int) -> bool:
    """`US$5-$6` and `$HOME/$USER` do not; `the $n$th` does."""
    before = source[:start][-1:].decode(errors="replace")
    after = source[end : end + _LONGEST_ENDING].decode(errors="ignore")
    if before.isalnum() or before == "$" or after[:1].isdigit() or after[:1] == "$":
        return False
    return not after[:1].isalpha() or _ENDING.match(after) is not None


def _code(markdown: str) -> list[tuple[int, int]]:
    return [
        (start, end)
        for event, start, end in read_events(markdown)
        if started(event)[0] == "CodeBlock" or (isinstance(event, dict) and "Code" in event)
    ]
