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

from rest_service.tests.api_helpers import ADMIN_TOKEN, SERVICE_TOKEN
from rest_service.tests.disposable_service import run_disposable_service
from smart_kit.contracts.examples import EXAMPLE_IDS
from smart_kit.testing import local_http, run_folder
from smart_kit.testing.servers import postgres_server, valkey_server

EXCLUDED_CHECK = "positive_data_acceptance"
"""What has the right form may still be refused: a time that is over, a name that is taken."""

SCHEMATHESIS_CONFIG = """
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
    "service", (f"Authorization: Bearer {SERVICE_TOKEN}", f"X-User-Id: {EXAMPLE_IDS['users']}")
)
CALLERS = (ADMIN, SERVICE)
STATEFUL_PHASES = ("stateful",)
CASES_HELP = (
    "at least so many, in whole rounds; default: 20000. The first round alone, every operation's"
    " examples and edges as administrator, makes some 4500; a useful number is 10000 or more:"
    " only then everything is also done as a service, and stories are told as both"
)


@dataclass(frozen=True)
class FuzzRound:
    """One run of schemathesis."""

    caller: Caller
    seed: int
    phases: tuple[str, ...]
    max_examples: int = 1
    """For each operation in the fuzzing phase; at most so many stories in the stateful one."""
    max_seconds: int | None = None
    """The time limit of the round: a slow machine may get nothing done in it."""


@dataclass
class FuzzTotals:
    """What has come out of all rounds."""

    cases: int = 0
    stateful_cases: int = 0
    """Cases that go on from what an earlier one has made."""
    failures: int = 0

    def __str__(self) -> str:
        share = 100 * self.stateful_cases / max(1, self.cases)
        return f"{self.cases} cases, {share:.0f} % in stories, {self.failures or 'no'} failures"


def run_rounds(url: str, rounds: Iterator[FuzzRound], cases: int) -> FuzzTotals:
    """Run rounds until there were so many cases."""
    totals = FuzzTotals()
    for one in rounds:
        print(f"\n=== as {one.caller.name}, seed {one.seed}: {', '.join(one.phases)} ===")
        report = _run_schemathesis(url, one)
        totals.cases += report["test_cases"]["generated"]
        if one.phases == STATEFUL_PHASES:
            totals.stateful_cases += report["test_cases"]["generated"]
        totals.failures += report["test_cases"]["unique_failures"] + len(report["errors"])
        print(f"so far {totals}", flush=True)
        if totals.cases >= cases:
            break
    return totals


def generate_rounds(url: str, cases: int, seed: int) -> Iterator[FuzzRound]:
    """What is the same in each run, and stories; then single requests and stories, on and on."""
    paths = local_http.get(f"{url}/openapi.json").json()["paths"].values()
    examples = max(1, cases // 5 // sum(map(len, paths)))
    seconds = max(1, cases // 250)
    for caller in CALLERS:
        yield FuzzRound(caller, seed, ("examples", "coverage"))
        yield FuzzRound(caller, seed, STATEFUL_PHASES, max_seconds=seconds)
    for number in count(seed):
        for caller in CALLERS:
            yield FuzzRound(caller, number, ("fuzzing",), examples)
            yield FuzzRound(caller, number + 1, STATEFUL_PHASES, max_seconds=seconds)


def _run_schemathesis(url: str, one: FuzzRound) -> dict[str, dict[str, int]]:
    options = [f"--header={header}" for header in one.caller.headers]
    options += [f"--seed={one.seed}", f"--phases={','.join(one.phases)}"]
    options += [f"--exclude-checks={EXCLUDED_CHECK}", "--warnings=off", "--no-color"]
    if one.max_seconds is not None:
        options += [f"--max-time={one.max_seconds}"]
    options += [f"--max-examples={one.max_examples}"]
    options += ["--continue-on-failure", "--report=json", "--report-json-path=report.json"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "schemathesis.toml").write_text(SCHEMATHESIS_CONFIG)
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"]
        subprocess.run([*command, *options], cwd=folder, check=False)
        report: dict[str, dict[str, int]] = json.loads(Path(folder, "report.json").read_text())
        return report


def main(arguments: Sequence[str] | None = None) -> int:
    """The long run."""
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--cases", type=int, default=20_000, metavar="N", help=CASES_HELP)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    chosen = parser.parse_args(arguments)
    with (
        run_folder.create_run_folder(),
        postgres_server() as postgres,
        valkey_server() as valkey,
        run_disposable_service(postgres, valkey) as url,
    ):
        totals = run_rounds(url, generate_rounds(url, chosen.cases, chosen.seed), chosen.cases)
    print(f"\nfuzz: {totals}; seed {chosen.seed}")
    return 1 if totals.failures else 0


if __name__ == "__main__":
    sys.exit(main())
