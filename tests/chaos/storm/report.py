"""An outcome as a table and as a verdict, and the evidence that it leaves."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from control.replicas import parse_service_name
from smart_kit.testing.suite_harness import SuiteHarness
from tests.chaos.storm.storm import StormResult
from tests.chaos.storm.verifier import Verifier

MAX_FAILURE_SHARE = 0.01
"""No more than this share may get to read only that there is no answer. The model's faults explain
0.1 to 0.3 % (seeds 3 and 4)."""

MIN_ALLOWED_FAILURES = 5
"""So many may, however few there are: a short storm has its chances too."""

EVIDENCE_FOLDERS = ("logs", "sandbox", "redis")
"""What of a suite's folder tells how it came."""


def count_violations(outcome: StormResult) -> dict[str, int]:
    """What must be 0, in the words of the table."""
    verifier = outcome.verifier
    return {
        "lost": len(verifier.lost_messages),
        "out of order": len(verifier.out_of_order),
        "doubled effects": len(verifier.duplicate_effects),
        "effects that are not as told": len(verifier.inconsistent_messages),
        "reminders that never came": len(verifier.missing_reminders),
        "reminders that came wrongly": len(verifier.mistimed_reminders),
        "effects that nobody asked for": len(verifier.unrequested_numbers),
        "duplicates without a cause": len(outcome.unexplained_duplicates),
        "messages of no known sense": len(verifier.unattributed),
        "dead letters": outcome.dead_letter_count,
        "too many without a real answer": max(
            0, len(verifier.failed_messages) - get_max_failures(verifier)
        ),
        "faults that found nobody": outcome.skipped_fault_count,
        "did not come to rest": int(not outcome.is_quiet),
    }


def get_max_failures(verifier: Verifier) -> int:
    """How many may get to read only that there is no answer."""
    return max(MIN_ALLOWED_FAILURES, int(MAX_FAILURE_SHARE * len(verifier.records)))


def has_passed(outcome: StormResult) -> bool:
    """Whether every promise was kept."""
    return not any(count_violations(outcome).values())


def render_table(outcome: StormResult) -> str:
    """For the operator."""
    rows = [*_storm_rows(outcome), ("", ""), *_verdict_rows(outcome), ("", "")]
    rows += [(name, str(count)) for name, count in count_violations(outcome).items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value}".rstrip() for name, value in rows)


def save_evidence(outcome: StormResult, suite: SuiteHarness, folder: Path) -> None:
    """Write the records of messages and faults as JSON lines, and copy what the suite wrote."""
    _write_json_lines(
        folder / "message_records.jsonl",
        (one.to_json() for one in outcome.verifier.records.values()),
    )
    _write_json_lines(folder / "faults.jsonl", (fault.to_json() for fault in outcome.fault_records))
    (folder / "table.txt").write_text(f"{render_table(outcome)}\n")
    for name in EVIDENCE_FOLDERS:
        shutil.copytree(suite.state_dir / name, folder / name, dirs_exist_ok=True)


def _storm_rows(outcome: StormResult) -> Iterable[tuple[str, str]]:
    yield "seed", str(outcome.plan.seed)
    yield "storm", f"{outcome.storm_seconds:.0f} s"
    kills = Counter(
        parse_service_name(fault.process_name) for fault in outcome.fault_records_for("kill")
    )
    yield "kills of services", _format_counts(kills)
    for name in ("redis", "postgres"):
        yield f"kills of {name}", str(len(outcome.fault_records_for(f"kill {name}")))
    yield (
        "stops",
        _format_counts(
            Counter(
                parse_service_name(fault.process_name)
                for fault in outcome.fault_records_for("stop")
            )
        ),
    )
    yield (
        "Telegram's faults",
        _format_counts(
            Counter(fault.process_name for fault in outcome.fault_records_for("telegram"))
        ),
    )
    yield "the model's faults", str(outcome.model_fault_count)


def _verdict_rows(outcome: StormResult) -> Iterable[tuple[str, str]]:
    verifier = outcome.verifier
    records = list(verifier.records.values())
    answered = [one for one in records if one.answers]
    yield (
        "messages",
        f"{len(records)} in {len({one.user_message.chat_id for one in records})} chats",
    )
    yield "answered", str(len(answered))
    failed_count = len(verifier.failed_messages)
    share = failed_count / max(1, len(records))
    yield (
        "told that there is no answer",
        f"{failed_count} ({share:.1%}), {get_max_failures(verifier)} are allowed",
    )
    yield "tasks and reminders", str(sum(one.rows for one in records))
    yield "reminders that came", str(sum(bool(one.alarms) for one in records))
    copies = sum(len(heard) - 1 for heard in verifier.duplicates)
    yield (
        "duplicates",
        f"{copies}, {copies - len(outcome.unexplained_duplicates)} of them explained",
    )
    causes = f"{outcome.sender_fault_count} deaths and stops of the sender"
    yield "their possible causes", f"{causes}, {outcome.unconfirmed_sends} answers lost"
    if answered:
        took = max(one.answers[0].sent_at for one in answered) - records[0].user_message.sent_at
        yield "messages a second", f"{len(answered) / max(1.0, took):.1f}"
        yield "longest wait", f"{max(one.response_seconds for one in answered):.0f} s"


def _format_counts(counts: Counter[str]) -> str:
    each = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    return f"{counts.total()} ({each})" if counts else "0"


def _write_json_lines(path: Path, lines: Iterable[object]) -> None:
    with path.open("w") as file:
        file.writelines(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
