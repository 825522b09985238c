"""An outcome as a table and as a verdict, and the evidence that it leaves."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from control.replicas import service_of
from smart_kit.testing.suite import Suite
from tests.chaos.storm.storm import Outcome
from tests.chaos.storm.verifier import Verifier

MOST_APOLOGISED = 0.01
"""No more than this share may get to read only that there is no answer. The model's faults explain
0.1 to 0.3 % (seeds 3 and 4)."""

LEAST_APOLOGISED = 5
"""So many may, however few there are: a short storm has its chances too."""

KEPT = ("logs", "sandbox", "redis")
"""What of a suite's folder tells how it came."""


def problems(outcome: Outcome) -> dict[str, int]:
    """What must be 0, in the words of the table."""
    verifier = outcome.verifier
    return {
        "lost": len(verifier.lost),
        "out of order": len(verifier.out_of_order),
        "doubled effects": len(verifier.doubled),
        "effects that are not as told": len(verifier.inconsistent),
        "reminders that never came": len(verifier.missing_reminders),
        "reminders that came wrongly": len(verifier.mistimed),
        "effects that nobody asked for": len(verifier.unasked),
        "duplicates without a cause": len(outcome.unexplained),
        "messages of no known sense": len(verifier.unattributed),
        "dead letters": outcome.dead_letters,
        "too many without a real answer": max(
            0, len(verifier.apologised) - most_apologised(verifier)
        ),
        "faults that found nobody": outcome.faults_left,
        "did not come to rest": int(not outcome.is_quiet),
    }


def most_apologised(verifier: Verifier) -> int:
    """How many may get to read only that there is no answer."""
    return max(LEAST_APOLOGISED, int(MOST_APOLOGISED * len(verifier.records)))


def is_good(outcome: Outcome) -> bool:
    """Whether every promise was kept."""
    return not any(problems(outcome).values())


def table(outcome: Outcome) -> str:
    """For the operator."""
    rows = [*_storm(outcome), ("", ""), *_verdicts(outcome), ("", "")]
    rows += [(name, str(count)) for name, count in problems(outcome).items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value}".rstrip() for name, value in rows)


def keep_evidence(outcome: Outcome, suite: Suite, folder: Path) -> None:
    """Write the records of messages and faults as JSON lines, and copy what the suite wrote."""
    _write(folder / "ledger.jsonl", (one.to_json() for one in outcome.verifier.records.values()))
    _write(folder / "faults.jsonl", (fault.to_json() for fault in outcome.fault_records))
    (folder / "table.txt").write_text(f"{table(outcome)}\n")
    for name in KEPT:
        shutil.copytree(suite.state_dir / name, folder / name, dirs_exist_ok=True)


def _storm(outcome: Outcome) -> Iterable[tuple[str, str]]:
    yield "seed", str(outcome.plan.seed)
    yield "storm", f"{outcome.storm_seconds:.0f} s"
    kills = Counter(service_of(fault.name) for fault in outcome.fault_records_of("kill"))
    yield "kills of services", _counted(kills)
    for name in ("redis", "postgres"):
        yield f"kills of {name}", str(len(outcome.fault_records_of(f"kill {name}")))
    yield (
        "stops",
        _counted(Counter(service_of(fault.name) for fault in outcome.fault_records_of("stop"))),
    )
    yield (
        "Telegram's faults",
        _counted(Counter(fault.name for fault in outcome.fault_records_of("telegram"))),
    )
    yield "the model's faults", str(outcome.model_faults)


def _verdicts(outcome: Outcome) -> Iterable[tuple[str, str]]:
    verifier = outcome.verifier
    records = list(verifier.records.values())
    answered = [one for one in records if one.answers]
    yield "messages", f"{len(records)} in {len({one.said.chat_id for one in records})} chats"
    yield "answered", str(len(answered))
    apologised = len(verifier.apologised)
    share = apologised / max(1, len(records))
    yield (
        "told that there is no answer",
        f"{apologised} ({share:.1%}), {most_apologised(verifier)} are allowed",
    )
    yield "tasks and reminders", str(sum(one.rows for one in records))
    yield "reminders that came", str(sum(bool(one.alarms) for one in records))
    copies = sum(len(heard) - 1 for heard in verifier.repeats)
    yield "duplicates", f"{copies}, {copies - len(outcome.unexplained)} of them explained"
    causes = f"{outcome.sender_faults} deaths and stops of the sender"
    yield "their possible causes", f"{causes}, {outcome.unanswered} answers lost"
    if answered:
        took = max(one.answers[0].at for one in answered) - records[0].said.at
        yield "messages a second", f"{len(answered) / max(1.0, took):.1f}"
        yield "longest wait", f"{max(one.seconds for one in answered):.0f} s"


def _counted(counts: Counter[str]) -> str:
    each = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    return f"{counts.total()} ({each})" if counts else "0"


def _write(path: Path, lines: Iterable[object]) -> None:
    with path.open("w") as file:
        file.writelines(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
