"""The report of a storm: violations, a table, and the evidence on disk."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from control.replicas import parse_service_name
from smart_kit.testing.suite_harness import SuiteHarness
from tests.chaos.storm.fault_record import FaultRecord
from tests.chaos.storm.storm import StormResult
from tests.chaos.storm.verifier import Verifier

MAX_FAILURE_SHARE = 0.01
"""The share of messages that may be answered with a failure reply. The faults of the model cause
0.1 to 0.3 % (seeds 3 and 4)."""

MIN_ALLOWED_FAILURES = 5
"""Failure replies that are allowed in a short storm, where the share would be below that."""

EVIDENCE_FOLDERS = ("logs", "sandbox", "redis")
"""The folders of a suite that help to explain a violation."""


def count_violations(result: StormResult) -> dict[str, int]:
    """Return the number of violations by label; all must be 0."""
    verifier = result.verifier
    return {
        "lost": len(verifier.lost_messages),
        "out of order": len(verifier.out_of_order),
        "duplicate effects": len(verifier.duplicate_effects),
        "receipts that contradict the effects": len(verifier.inconsistent_messages),
        "missing reminders": len(verifier.missing_reminders),
        "reminders at the wrong time": len(verifier.mistimed_reminders),
        "unrequested effects": len(verifier.unrequested_numbers),
        "duplicates without a cause": len(result.unexplained_duplicates),
        "unattributed messages": len(verifier.unattributed),
        "dead letters": result.dead_letter_count,
        "failure replies above the limit": max(
            0, len(verifier.failed_messages) - get_max_failures(verifier)
        ),
        "faults without a target": result.skipped_fault_count,
        "did not become quiet": int(not result.is_quiet),
    }


def get_max_failures(verifier: Verifier) -> int:
    """Return how many messages may be answered with a failure reply."""
    return max(MIN_ALLOWED_FAILURES, int(MAX_FAILURE_SHARE * len(verifier.records)))


def has_passed(result: StormResult) -> bool:
    """Return whether no promise was broken."""
    return not any(count_violations(result).values())


def render_table(result: StormResult) -> str:
    """Render the storm, its outcome and the violations as a table."""
    rows = [*_storm_rows(result), ("", ""), *_outcome_rows(result), ("", "")]
    rows += [(name, str(count)) for name, count in count_violations(result).items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value}".rstrip() for name, value in rows)


def save_evidence(result: StormResult, suite: SuiteHarness, folder: Path) -> None:
    """Write the records of messages and faults as JSON lines, and copy folders of the suite."""
    _write_json_lines(
        folder / "message_records.jsonl",
        (record.to_json() for record in result.verifier.records.values()),
    )
    _write_json_lines(folder / "faults.jsonl", map(asdict, result.fault_records))
    (folder / "table.txt").write_text(f"{render_table(result)}\n")
    for name in EVIDENCE_FOLDERS:
        shutil.copytree(suite.state_dir / name, folder / name, dirs_exist_ok=True)


def _storm_rows(result: StormResult) -> Iterable[tuple[str, str]]:
    yield "seed", str(result.plan.seed)
    yield "storm", f"{result.storm_seconds:.0f} s"
    yield "kills of services", _count_services(result.fault_records_for("kill"))
    for name in ("redis", "postgres"):
        yield f"kills of {name}", str(len(result.fault_records_for(f"kill {name}")))
    yield "stops", _count_services(result.fault_records_for("stop"))
    telegram_faults = result.fault_records_for("telegram")
    yield (
        "faults of Telegram",
        _format_counts(Counter(fault.process_name for fault in telegram_faults)),
    )
    yield "faults of the model", str(result.model_fault_count)


def _outcome_rows(result: StormResult) -> Iterable[tuple[str, str]]:
    verifier = result.verifier
    records = list(verifier.records.values())
    answered = [record for record in records if record.answers]
    chats = {record.user_message.chat_id for record in records}
    yield "messages", f"{len(records)} in {len(chats)} chats"
    yield "answered", str(len(answered))
    failed_count = len(verifier.failed_messages)
    share = failed_count / max(1, len(records))
    yield (
        "failure replies",
        f"{failed_count} ({share:.1%}), {get_max_failures(verifier)} are allowed",
    )
    yield "tasks and reminders", str(sum(record.rows for record in records))
    yield "reminders sent", str(sum(bool(record.alarms) for record in records))
    copies = sum(len(messages) - 1 for messages in verifier.duplicates)
    yield (
        "duplicates",
        f"{copies}, {copies - len(result.unexplained_duplicates)} of them explained",
    )
    causes = f"{result.sender_fault_count} kills and stops of the sender"
    yield "their possible causes", f"{causes}, {result.unconfirmed_sends} lost responses"
    if answered:
        end = max(record.answers[0].sent_at for record in answered)
        seconds = max(1.0, end - records[0].user_message.sent_at)
        yield "messages a second", f"{len(answered) / seconds:.1f}"
        yield "longest wait", f"{max(record.response_seconds for record in answered):.0f} s"


def _count_services(faults: Iterable[FaultRecord]) -> str:
    return _format_counts(Counter(parse_service_name(fault.process_name) for fault in faults))


def _format_counts(counts: Counter[str]) -> str:
    parts = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    return f"{counts.total()} ({parts})" if counts else "0"


def _write_json_lines(path: Path, lines: Iterable[object]) -> None:
    with path.open("w") as file:
        file.writelines(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
