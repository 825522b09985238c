"""An outcome as a table and as a verdict, and the evidence that it leaves."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from control.replicas import service_of
from smart_kit.testing.suite import Suite
from tests.chaos.storm.ledger import Ledger
from tests.chaos.storm.storm import Outcome

MOST_TOLD = 0.01
"""No more than this share may get to read only that there is no answer. The model's faults explain
0.1 to 0.3 % (seeds 3 and 4)."""

LEAST_TOLD = 5
"""So many may, however few there are: a short storm has its chances too."""

KEPT = ("logs", "sandbox", "redis")
"""What of a suite's folder tells how it came."""


def problems(outcome: Outcome) -> dict[str, int]:
    """What must be 0, in the words of the table."""
    ledger = outcome.ledger
    return {
        "lost": len(ledger.lost),
        "out of order": len(ledger.inverted),
        "doubled effects": len(ledger.doubled),
        "effects that are not as told": len(ledger.undone),
        "reminders that never came": len(ledger.silent),
        "reminders that came wrongly": len(ledger.mistimed),
        "effects that nobody asked for": len(ledger.unasked),
        "duplicates without a cause": len(outcome.unexplained),
        "messages of no known sense": len(ledger.strange),
        "dead letters": outcome.dead_letters,
        "too many without a real answer": max(0, len(ledger.told) - most_told(ledger)),
        "faults that found nobody": outcome.faults_left,
        "did not come to rest": int(not outcome.is_quiet),
    }


def most_told(ledger: Ledger) -> int:
    """How many may get to read only that there is no answer."""
    return max(LEAST_TOLD, int(MOST_TOLD * len(ledger.entries)))


def is_good(outcome: Outcome) -> bool:
    """Whether every promise was kept."""
    return not any(problems(outcome).values())


def table(outcome: Outcome) -> str:
    """For the operator."""
    rows = [*_storm(outcome), ("", ""), *_ledger(outcome), ("", "")]
    rows += [(name, str(count)) for name, count in problems(outcome).items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value}".rstrip() for name, value in rows)


def keep_evidence(outcome: Outcome, suite: Suite, folder: Path) -> None:
    """Write ledger and faults as JSON lines, and copy what the suite has written."""
    _write(folder / "ledger.jsonl", (one.to_json() for one in outcome.ledger.entries.values()))
    _write(folder / "faults.jsonl", (hit.to_json() for hit in outcome.hits))
    (folder / "table.txt").write_text(f"{table(outcome)}\n")
    for name in KEPT:
        shutil.copytree(suite.state_dir / name, folder / name, dirs_exist_ok=True)


def _storm(outcome: Outcome) -> Iterable[tuple[str, str]]:
    yield "seed", str(outcome.plan.seed)
    yield "storm", f"{outcome.stormed:.0f} s"
    kills = Counter(service_of(hit.name) for hit in outcome.hits_of("kill"))
    yield "kills of services", _counted(kills)
    for name in ("redis", "postgres"):
        yield f"kills of {name}", str(len(outcome.hits_of(f"kill {name}")))
    yield "stops", _counted(Counter(service_of(hit.name) for hit in outcome.hits_of("stop")))
    yield "Telegram's faults", _counted(Counter(hit.name for hit in outcome.hits_of("telegram")))
    yield "the model's faults", str(outcome.model_faults)


def _ledger(outcome: Outcome) -> Iterable[tuple[str, str]]:
    ledger = outcome.ledger
    entries = list(ledger.entries.values())
    answered = [one for one in entries if one.answers]
    yield "messages", f"{len(entries)} in {len({one.said.chat_id for one in entries})} chats"
    yield "answered", str(len(answered))
    told = len(ledger.told)
    share = told / max(1, len(entries))
    yield "told that there is no answer", f"{told} ({share:.1%}), {most_told(ledger)} are allowed"
    yield "tasks and reminders", str(sum(one.rows for one in entries))
    yield "reminders that came", str(sum(bool(one.alarms) for one in entries))
    copies = sum(len(heard) - 1 for heard in ledger.repeats)
    yield "duplicates", f"{copies}, {copies - len(outcome.unexplained)} of them explained"
    causes = f"{outcome.senders_hit} deaths and stops of the sender"
    yield "their possible causes", f"{causes}, {outcome.unanswered} answers lost"
    if answered:
        took = max(one.answers[0].at for one in answered) - entries[0].said.at
        yield "messages a second", f"{len(answered) / max(1.0, took):.1f}"
        yield "longest wait", f"{max(one.seconds for one in answered):.0f} s"


def _counted(counts: Counter[str]) -> str:
    each = ", ".join(f"{name} {count}" for name, count in counts.most_common())
    return f"{counts.total()} ({each})" if counts else "0"


def _write(path: Path, lines: Iterable[object]) -> None:
    with path.open("w") as file:
        file.writelines(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
