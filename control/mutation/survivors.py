"""The mutants that no test can notice, because they do the same: listed by hand with the reason."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from control.errors import ControlError
from control.mutation.results import Mutant

LIST = Path("tests/mutation_survivors.toml")
_FIELDS = ("module", "function", "diff", "reason")


@dataclass(frozen=True)
class Equivalent:
    """What identifies a mutant however lines and numbers move."""

    module: str
    function: str
    diff: tuple[str, ...]

    @classmethod
    def of(cls, module: str, mutant: Mutant) -> "Equivalent":
        return cls(module, mutant.function, mutant.diff)


def read(root: Path, modules: Iterable[str]) -> Counter[Equivalent]:
    """How many mutants of each kind are listed; raises ControlError for a list that is wrong."""
    try:
        text = (root / LIST).read_text("utf-8")
    except FileNotFoundError:
        return Counter()
    try:
        entries = tomllib.loads(text).get("equivalent", [])
    except tomllib.TOMLDecodeError as error:
        raise ControlError(f"{LIST}: {error}") from error
    known = set(modules)
    return Counter(_checked(number, entry, known) for number, entry in enumerate(entries, 1))


def _checked(number: int, entry: Mapping[str, Any], known: set[str]) -> Equivalent:
    for field in _FIELDS:
        if not str(entry.get(field, "")).strip():
            raise ControlError(f"{LIST}: the {field} of entry {number} is missing")
    if entry["module"] not in known:
        raise ControlError(f"{LIST}: entry {number}: there is no key module {entry['module']!r}")
    lines = (line.strip() for line in str(entry["diff"]).splitlines())
    diff = tuple(f"{line[0]} {line[1:].strip()}" for line in lines if line)
    return Equivalent(entry["module"], entry["function"], diff)


def split(
    module: str, mutants: Iterable[Mutant], listed: Counter[Equivalent]
) -> tuple[list[Mutant], list[Mutant], list[Equivalent]]:
    """The mutants that are not listed, those that are, and what is listed but is not there.

    Each entry excuses one mutant: two of the same look in one function need two.
    """
    left = Counter({one: count for one, count in listed.items() if one.module == module})
    others, excused = [], []
    for mutant in mutants:
        kind = Equivalent.of(module, mutant)
        if left[kind] > 0:
            left[kind] -= 1
            excused.append(mutant)
        else:
            others.append(mutant)
    return others, excused, sorted(left.elements(), key=lambda one: (one.function, one.diff))
