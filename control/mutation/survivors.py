"""The mutants that may survive, listed by hand with reasons."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from control.errors import ControlError
from control.mutation.results import Mutant

LIST_FILE = Path("tests/mutation_survivors.toml")
_FIELDS = {
    "equivalent": ("module", "function", "diff", "reason"),
    "tolerated": ("removed", "reason"),
}


@dataclass(frozen=True)
class EquivalentMutant:
    """A mutant that does not change the behaviour, identified independently of line numbers."""

    module: str
    function: str
    diff: tuple[str, ...]


@dataclass(frozen=True)
class SurvivorList:
    """The content of the list."""

    equivalent: Counter[EquivalentMutant]
    """The number of equivalent mutants of each kind."""
    tolerated: tuple[re.Pattern[str], ...] = ()
    """Lines of code whose mutants may survive in every module."""

    def partition(
        self, module: str, mutants: Iterable[Mutant]
    ) -> tuple[list[Mutant], list[Mutant], list[EquivalentMutant]]:
        """Return the unlisted mutants, the listed ones, and the entries without a mutant.

        Each entry excuses one mutant: two equal ones in a function need two entries.
        """
        left = Counter({it: n for it, n in self.equivalent.items() if it.module == module})
        unlisted, listed = list[Mutant](), list[Mutant]()
        for mutant in mutants:
            entry = EquivalentMutant(module, mutant.function, mutant.diff)
            is_listed = left[entry] > 0
            if is_listed:
                left[entry] -= 1
            (listed if is_listed or self._tolerates(mutant) else unlisted).append(mutant)
        return unlisted, listed, sorted(left.elements(), key=lambda it: (it.function, it.diff))

    def _tolerates(self, mutant: Mutant) -> bool:
        removed = [line[2:] for line in mutant.diff if line.startswith("-")]
        return bool(removed) and all(
            any(pattern.search(line) for pattern in self.tolerated) for line in removed
        )


def read(root: Path, modules: Iterable[str]) -> SurvivorList:
    """Read the list; empty without a file. Raises ControlError if it is invalid."""
    try:
        text = (root / LIST_FILE).read_text("utf-8")
    except FileNotFoundError:
        return SurvivorList(Counter())
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ControlError(f"{LIST_FILE}: {error}") from error
    for name in tables.keys() - _FIELDS.keys():
        problem = f"there is no table {name!r}; there are: {', '.join(_FIELDS)}"
        raise ControlError(f"{LIST_FILE}: {problem}")
    known = set(modules)
    equivalent = (_parse_equivalent(*it, known) for it in _iter_entries(tables, "equivalent"))
    tolerated = (_parse_pattern(*it) for it in _iter_entries(tables, "tolerated"))
    return SurvivorList(Counter(equivalent), tuple(tolerated))


def _iter_entries(tables: Mapping[str, Any], kind: str) -> Iterable[tuple[int, Mapping[str, str]]]:
    for number, entry in enumerate(tables.get(kind, []), 1):
        for field in _FIELDS[kind]:
            if not str(entry.get(field, "")).strip():
                raise ControlError(f"{LIST_FILE}: {kind} entry {number}: {field!r} is missing")
        yield number, entry


def _parse_equivalent(number: int, entry: Mapping[str, str], known: set[str]) -> EquivalentMutant:
    if entry["module"] not in known:
        problem = f"there is no key module {entry['module']!r}"
        raise ControlError(f"{LIST_FILE}: equivalent entry {number}: {problem}")
    lines = (line.strip() for line in entry["diff"].splitlines())
    diff = tuple(f"{line[0]} {line[1:].strip()}" for line in lines if line)
    return EquivalentMutant(entry["module"], entry["function"], diff)


def _parse_pattern(number: int, entry: Mapping[str, str]) -> re.Pattern[str]:
    try:
        return re.compile(entry["removed"])
    except re.error as error:
        raise ControlError(f"{LIST_FILE}: tolerated entry {number}: {error}") from error
