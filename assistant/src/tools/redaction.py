"""Takes secrets out of what a server sent back, in whatever way it spells them."""

import base64
import re
from collections.abc import Mapping
from html.entities import codepoint2name


def redacted(text: str, revealed: Mapping[str, str]) -> str:
    """The text with the name of each secret in place of the secret."""
    for name, secret in revealed.items():
        text = _spellings(secret).sub(f"(secret {name})", text)
    return text


def _spellings(secret: str) -> re.Pattern[str]:
    """As servers echo it: as it is, in JSON, in addresses and in pages, one within another too; and
    as base64, in which a password comes back."""
    raw = secret.encode()
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    known = [re.escape(one.rstrip("=")) for one in sorted(encoded)]
    return re.compile("|".join(["".join(map(_spelling, secret)), *known]))


def _spelling(letter: str) -> str:
    """Each repetition has an end: a server must not keep us busy."""
    units = letter.encode("utf-16-be").hex()
    code = ord(letter)
    spellings = [
        rf"\\{{0,9}}{re.escape(letter)}",
        "".join(rf"\\{{1,9}}u(?i:{units[at : at + 4]})" for at in range(0, len(units), 4)),
        "".join(rf"%(?:25){{0,4}}(?i:{byte:02x})" for byte in letter.encode()),
        rf"&(?:amp;){{0,4}}#(?:0{{0,6}}{code}|[xX]0{{0,6}}(?i:{code:x}));",
    ]
    if code in codepoint2name:
        spellings.append(f"&(?:amp;){{0,4}}{codepoint2name[code]};")
    if letter == " ":
        spellings.append(r"\+")
    return f"(?:{'|'.join(spellings)})"
