"""A strict reader of `NAME=value` files."""

import re
from pathlib import Path

from control.errors import ControlError

_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*?)\s*")
_QUOTED_VALUE = re.compile(r"""(?P<quote>['"])(?P<text>.*)(?P=quote)(?:\s+\#.*)?""")
_COMMENT = re.compile(r"(?:^|\s+)#.*$")


def read(path: Path) -> dict[str, str]:
    """Return the variables of a file; none if it does not exist.

    Raises ControlError with the number of the first invalid line.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise ControlError(f"{path} is not a UTF-8 text file") from error
    return parse(text, path.name)


def read_variable(path: Path, name: str) -> str:
    """Return one variable even if other lines are invalid; empty if it is not set."""
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    own = [line for line in lines if (match := _LINE.fullmatch(line)) and match["name"] == name]
    return parse("\n".join(own), path.name).get(name, "")


def parse(text: str, source: str) -> dict[str, str]:
    """Return the variables of a text. `source` is its name in errors."""
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            name = line.split("=", 1)[0].strip()[:30]  # the value may be a secret and is not shown
            raise ControlError(f"{source}, line {number} ({name!r}): expected NAME=value")
        where = f"{source}, line {number} ({match['name']})"
        values[match["name"]] = _parse_value(match["value"], where)
    return values


def replace_value(text: str, name: str, value: str) -> str:
    """Return the text with a new value of a variable that is set in it."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        content = line.rstrip("\r\n")
        match = _LINE.fullmatch(content)
        if match and match["name"] == name:
            lines[number] = line[: match.start("value")] + value + line[len(content) :]
    return "".join(lines)


def _parse_value(text: str, where: str) -> str:
    if not text.startswith(("'", '"')):
        return _COMMENT.sub("", text)
    match = _QUOTED_VALUE.fullmatch(text)
    if match is None:
        raise ControlError(f"{where}: the closing {text[0]} is missing")
    if match["quote"] == "'":
        return match["text"]
    return match["text"].replace('\\"', '"').replace("\\\\", "\\")
