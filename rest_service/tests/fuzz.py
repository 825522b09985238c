"""Runs Schemathesis on the whole API of a disposable rest_service.

`./manage.py fuzz` runs it long, a test runs it short. Failures are: a 5xx response, a response that
the document does not describe, an accepted request that the document forbids, a route without
authentication, a deleted record that can still be read.
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
"""Valid requests may be refused, for example for a past time or a taken name."""

SCHEMATHESIS_CONFIG = """
[checks.negative_data_rejection]
expected-statuses = ["4xx", "5xx"]
"""
"""413 also refuses invalid data: a text may exceed the field's and the body's limit. 5xx is allowed
here because another check fails on it."""


@dataclass(frozen=True)
class Caller:
    """The token and headers of a round."""

    name: str
    headers: tuple[str, ...]


ADMIN = Caller("admin", (f"Authorization: Bearer {ADMIN_TOKEN}",))
SERVICE = Caller(
    "service", (f"Authorization: Bearer {SERVICE_TOKEN}", f"X-User-Id: {EXAMPLE_IDS['users']}")
)
CALLERS = (ADMIN, SERVICE)
STATEFUL_PHASES = ("stateful",)
CASES_HELP = (
    "minimum number of cases, in whole rounds; default: 20000. The first round, all operations'"
    " examples and edge cases as administrator, has about 4500; use 10000 or more, so that"
    " the service token and scenarios are covered too"
)


@dataclass(frozen=True)
class FuzzRound:
    """One run of Schemathesis."""

    caller: Caller
    seed: int
    phases: tuple[str, ...]
    max_examples: int = 1
    """Examples for each operation in the fuzzing phase; scenarios in the stateful one."""
    max_seconds: int | None = None
    """The time limit of the round; on a slow machine it may end without a case."""


@dataclass
class FuzzTotals:
    """The sum of all rounds."""

    cases: int = 0
    stateful_cases: int = 0
    """Cases that use the result of an earlier one."""
    failures: int = 0

    def __str__(self) -> str:
        share = 100 * self.stateful_cases / max(1, self.cases)
        return f"{self.cases} cases, {share:.0f} % stateful, {self.failures or 'no'} failures"


def run_rounds(url: str, rounds: Iterator[FuzzRound], cases: int) -> FuzzTotals:
    """Run rounds until the number of cases is reached."""
    totals = FuzzTotals()
    for fuzz_round in rounds:
        phases = ", ".join(fuzz_round.phases)
        print(f"\n=== as {fuzz_round.caller.name}, seed {fuzz_round.seed}: {phases} ===")
        report = _run_schemathesis(url, fuzz_round)
        totals.cases += report["test_cases"]["generated"]
        if fuzz_round.phases == STATEFUL_PHASES:
            totals.stateful_cases += report["test_cases"]["generated"]
        totals.failures += report["test_cases"]["unique_failures"] + len(report["errors"])
        print(f"so far {totals}", flush=True)
        if totals.cases >= cases:
            break
    return totals


def generate_rounds(url: str, cases: int, seed: int) -> Iterator[FuzzRound]:
    """Yield fixed rounds first, then endless random ones."""
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


def _run_schemathesis(url: str, fuzz_round: FuzzRound) -> dict[str, dict[str, int]]:
    options = [f"--header={header}" for header in fuzz_round.caller.headers]
    options += [f"--seed={fuzz_round.seed}", f"--phases={','.join(fuzz_round.phases)}"]
    options += [f"--exclude-checks={EXCLUDED_CHECK}", "--warnings=off", "--no-color"]
    if fuzz_round.max_seconds is not None:
        options += [f"--max-time={fuzz_round.max_seconds}"]
    options += [f"--max-examples={fuzz_round.max_examples}"]
    options += ["--continue-on-failure", "--report=json", "--report-json-path=report.json"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "schemathesis.toml").write_text(SCHEMATHESIS_CONFIG)
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"]
        subprocess.run([*command, *options], cwd=folder, check=False)
        report: dict[str, dict[str, int]] = json.loads(Path(folder, "report.json").read_text())
        return report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the fuzzer from the command line."""
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("--cases", type=int, default=20_000, metavar="N", help=CASES_HELP)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    chosen = parser.parse_args(arguments)
    with (
        run_folder.temporary_run_folder(),
        postgres_server() as postgres,
        valkey_server() as valkey,
        run_disposable_service(postgres, valkey) as url,
    ):
        totals = run_rounds(url, generate_rounds(url, chosen.cases, chosen.seed), chosen.cases)
    print(f"\nfuzz: {totals}; seed {chosen.seed}")
    return 1 if totals.failures else 0


if __name__ == "__main__":
    sys.exit(main())
