"""The results that mutmut has stored for the mutants of a file."""

import ast
import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

MUTANTS = "mutants"
_CLASS = "ǁ"
"""mutmut's separator: `xǁClassǁmethod__mutmut_3`, and `x_function__mutmut_3`."""
_MUTANT_SUFFIX = "__mutmut_"
_DEF = re.compile(r"\s*(async\s+)?def\s")


class Verdict(StrEnum):
    """The result of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    NO_TESTS = "no tests"
    UNCLEAR = "unclear"
    """The tests ended in a way that proves nothing, or did not run."""


_TESTS_FAILED = 1
VERDICT_BY_EXIT_CODE: Mapping[int | None, Verdict] = {
    _TESTS_FAILED: Verdict.KILLED,
    -24: Verdict.TIMED_OUT,  # SIGXCPU: from the system for CPU time, from mutmut for elapsed time
    -9: Verdict.TIMED_OUT,  # from the system if SIGXCPU did not end it
    0: Verdict.SURVIVED,
    5: Verdict.NO_TESTS,
    33: Verdict.NO_TESTS,
}
"""By the exit code of the tests: pytest's, mutmut's, or a negative signal. All other codes are
unclear, even if mutmut calls them killed or timed out: errors inside pytest have such codes."""


@dataclass(frozen=True)
class Mutant:
    """One small fault."""

    path: Path
    """Relative to the repository."""
    line: int
    function: str
    """`Class.method`, or the name of a function."""
    diff: tuple[str, ...]
    """Lines that begin with `- ` or `+ `, without their indentation."""
    verdict: Verdict
    exit_code: int | None
    """The exit code of its tests."""


def read_mutants(folder: Path, path: Path) -> Iterator[Mutant]:
    """Return all mutants of a file in a working folder of mutmut."""
    written = folder / MUTANTS / path
    codes = _read_exit_codes(folder, path)
    spans = json.loads(_sibling_file(written, ".spans").read_text("utf-8"))["spans"]
    lines = written.read_text("utf-8").splitlines()
    places = _find_definition_lines((folder / path).read_text("utf-8"))
    for key, code in codes.items():
        generated = key.rpartition(".")[2]
        mangled = generated.partition(_MUTANT_SUFFIX)[0]
        function = _demangle(mangled)
        original = _extract_function(lines, spans[f"{mangled}{_MUTANT_SUFFIX}orig"])
        offset, diff = _diff(original, _extract_function(lines, spans[generated]))
        verdict = VERDICT_BY_EXIT_CODE.get(code, Verdict.UNCLEAR)
        yield Mutant(path, places[function] + offset, function, diff, verdict, code)


def read_killed_names(folder: Path, path: Path) -> list[str]:
    """Return the names of the mutants of a file that the last run killed."""
    return [name for name, code in _read_exit_codes(folder, path).items() if code == _TESTS_FAILED]


def reset_results(folder: Path, path: Path, proven: Collection[str] = ()) -> None:
    """Make mutmut test all mutants of a file again, except those that were proven to be killed."""
    written = folder / MUTANTS / path
    meta = _sibling_file(written, ".meta")
    try:
        content = json.loads(meta.read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):  # a killed run left an incomplete file
        meta.unlink(missing_ok=True)
        written.unlink(missing_ok=True)
        return
    codes = content["exit_code_by_key"]
    codes |= {name: _TESTS_FAILED if name in proven else None for name in codes}
    meta.write_text(json.dumps(content), "utf-8")


def _read_exit_codes(folder: Path, path: Path) -> dict[str, int | None]:
    meta = _sibling_file(folder / MUTANTS / path, ".meta")
    codes: dict[str, int | None] = json.loads(meta.read_text("utf-8"))["exit_code_by_key"]
    return codes


def _sibling_file(written: Path, suffix: str) -> Path:
    return written.with_name(written.name + suffix)


def _demangle(mangled: str) -> str:
    if _CLASS in mangled:
        _, name, method = mangled.split(_CLASS)
        return f"{name}.{method}"
    return mangled.removeprefix("x_")


def _find_definition_lines(source: str) -> dict[str, int]:
    """Return the lines of `def`; of overloads with one name, the last."""
    places = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            places[node.name] = node.lineno
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    places[f"{node.name}.{inner.name}"] = inner.lineno
    return places


def _extract_function(lines: list[str], span: tuple[int, int]) -> list[str]:
    """Return a generated function from `def` on, without its generated name."""
    text = lines[span[0] - 1 : span[1]]
    first = next(number for number, line in enumerate(text) if _DEF.match(line))
    return [re.sub(r"def \w+", "def", text[first], count=1), *text[first + 1 :]]


def _diff(original: list[str], mutant: list[str]) -> tuple[int, tuple[str, ...]]:
    """Return the distance of the first difference from `def`, and all differences."""
    matcher = difflib.SequenceMatcher(None, original, mutant, autojunk=False)
    changes = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    diff: list[str] = []
    for _, start, end, other_start, other_end in changes:
        diff += [f"- {line.strip()}" for line in original[start:end]]
        diff += [f"+ {line.strip()}" for line in mutant[other_start:other_end]]
    return changes[0][1] if changes else 0, tuple(diff)
