"""Schemathesis over the whole API of a rest_service of its own, on servers of its own.

`./manage.py fuzz` runs it long, a test runs it short. A failure is an answer of 5xx, one that the
document does not describe, a request that is taken although the document forbids it, a route that
needs no token, a record that can be read after it was deleted.
"""

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from rest_service.app.openapi import IDS
from rest_service.tests.api_helpers import ADMIN_TOKEN, SERVICE_TOKEN
from rest_service.tests.disposable_service import running_service
from smart_kit.testing import local_http, run_folder
from smart_kit.testing.servers import postgres_server, valkey_server

NOT_CHECKED = "positive_data_acceptance"
"""What has the right form may still be refused: a time that is over, a name that is taken."""

SETTINGS = """
[checks.negative_data_rejection]
expected-statuses = ["4xx", "5xx"]
"""
"""413 too is a refusal of what breaks the document's rules: a text beyond both limits. Another
check looks at 5xx."""


@dataclass(frozen=True)
class Caller:
    """As whom a round is run."""

    name: str
    headers: tuple[str, ...]


ADMIN = Caller("admin", (f"Authorization: Bearer {ADMIN_TOKEN}",))
SERVICE = Caller(
    "service", (f"Authorization: Bearer {SERVICE_TOKEN}", f"X-User-Id: {IDS['users']}")
)
CALLERS = (ADMIN, SERVICE)
STORIES = ("stateful",)
CASES = (
    "at least so many, in whole rounds; default: 20000. The first round alone, every operation's"
    " examples and edges as administrator, makes some 4500; a useful number is 10000 or more:"
    " only then everything is also done as a service, and stories are told as both"
)


@dataclass(frozen=True)
class Round:
    """One run of schemathesis."""

    caller: Caller
    seed: int
    phases: tuple[str, ...]
    examples: int = 1
    """For each operation in the fuzzing phase; at most so many stories in the stateful one."""
    seconds: int | None = None
    """The time limit of the round: a slow machine may get nothing done in it."""


@dataclass
class Found:
    """What has come out of all rounds."""

    cases: int = 0
    stories: int = 0
    """Cases that go on from what an earlier one has made."""
    failures: int = 0

    def __str__(self) -> str:
        share = 100 * self.stories / max(1, self.cases)
        return f"{self.cases} cases, {share:.0f} % in stories, {self.failures or 'no'} failures"


def search(url: str, rounds: Iterator[Round], cases: int) -> Found:
    """Run rounds until there were so many cases."""
    found = Found()
    for one in rounds:
        print(f"\n=== as {one.caller.name}, seed {one.seed}: {', '.join(one.phases)} ===")
        report = _schemathesis(url, one)
        found.cases += report["test_cases"]["generated"]
        if one.phases == STORIES:
            found.stories += report["test_cases"]["generated"]
        found.failures += report["test_cases"]["unique_failures"] + len(report["errors"])
        print(f"so far {found}", flush=True)
        if found.cases >= cases:
            break
    return found


def long_rounds(url: str, cases: int, seed: int) -> Iterator[Round]:
    """What is the same in each run, and stories; then single requests and stories, on and on."""
    paths = local_http.get(f"{url}/openapi.json").json()["paths"].values()
    examples = max(1, cases // 5 // sum(map(len, paths)))
    seconds = max(1, cases // 250)
    for caller in CALLERS:
        yield Round(caller, seed, ("examples", "coverage"))
        yield Round(caller, seed, STORIES, seconds=seconds)
    for number in count(seed):
        for caller in CALLERS:
            yield Round(caller, number, ("fuzzing",), examples)
            yield Round(caller, number + 1, STORIES, seconds=seconds)


def _schemathesis(url: str, one: Round) -> dict[str, dict[str, int]]:
    options = [f"--header={header}" for header in one.caller.headers]
    options += [f"--seed={one.seed}", f"--phases={','.join(one.phases)}"]
    options += [f"--exclude-checks={NOT_CHECKED}", "--warnings=off", "--no-color"]
    if one.seconds is not None:
        options += [f"--max-time={one.seconds}"]
    options += [f"--max-examples={one.examples}"]
    options += ["--continue-on-failure", "--report=json", "--report-json-path=report.json"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "schemathesis.toml").write_text(SETTINGS)
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"]
        subprocess.run([*command, *options], cwd=folder, check=False)
        report: dict[str, dict[str, int]] = json.loads(Path(folder, "report.json").read_text())
        return report


def main(arguments: Sequence[str] | None = None) -> int:
    """The long run."""
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--cases", type=int, default=20_000, metavar="N", help=CASES)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    chosen = parser.parse_args(arguments)
    with (
        run_folder.entered(),
        postgres_server() as postgres,
        valkey_server() as valkey,
        running_service(postgres, valkey) as url,
    ):
        found = search(url, long_rounds(url, chosen.cases, chosen.seed), chosen.cases)
    print(f"\nfuzz: {found}; seed {chosen.seed}")
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
