"""A program in place of `docker` that records its calls.

It imports almost nothing, because a command calls it many times.
"""

import ast
import io
import json
import marshal
import sys
from pathlib import Path
from typing import Any

from control.cli import main
from control.context import Context
from control.terminal import Terminal

DOCKER_SCRIPT = """\
#!{python} -IS
import marshal, os, sys
home = {home!r}
def is_alone():
    lock = home + "/.local/containers.lock"
    if os.path.exists(lock):
        import fcntl
        with open(lock) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False
stdin = sys.stdin.read() if "exec" in sys.argv else ""
record = dict(arguments=sys.argv[1:], environment=dict(os.environ), stdin=stdin)
record |= dict(alone=is_alone(), pid=os.getpid())
with open(home + "/docker-calls", "a") as calls:
    calls.write(ascii(record) + "\\n")
def matches(pattern, arguments):
    return set(pattern.split()) <= set(arguments)
with open(home + "/responses", "rb") as file:
    responses = marshal.load(file)
for pattern, (response, status) in responses.items():
    if matches(pattern, sys.argv[1:]):
        if isinstance(response, list):
            since, *turns = response
            with open(home + "/docker-calls") as file:
                calls = [eval(line)["arguments"] for line in file]
            known = [at for at, call in enumerate(calls) if since in call]
            turn = sum(matches(pattern, call) for call in calls[known[0]:]) if known else 0
            response = turns[min(turn, len(turns) - 1)]
            response, status = response if isinstance(response, list) else (response, status)
        print(response, flush=True)
        if status:
            with open(home + "/errors") as errors:
                print(errors.read(), file=sys.stderr)
        if status is None:
            import signal
            signal.pause()
        sys.exit(status)
"""
DEFAULT_RESPONSES = {
    "version": ["28.0.0", 0],
    "compose ps setup": ["", 0],
    "compose ps": ["aaa bbb", 0],
}


def make_container(
    service: str,
    status: str = "running",
    number: int = 1,
    *,
    restarts: int = 2,
    needs: str = "",
    **state: Any,
) -> dict[str, Any]:
    labels = {"service": service, "container-number": str(number), "depends_on": needs}
    return {
        "Id": service * 4,
        "RestartCount": restarts,
        "Config": {"Labels": {f"com.docker.compose.{name}": labels[name] for name in labels}},
        "State": {
            "Status": status,
            "ExitCode": 0,
            "StartedAt": "2026-11-21T12:00:00.123456789Z",
            **state,
        },
    }


HEALTHY = {"Health": {"Status": "healthy", "Log": []}}
UNHEALTHY = {
    "Health": {
        "Status": "unhealthy",
        "Log": [{"Output": '{"status": "unavailable", "detail": "redis: refused"}\n'}],
    }
}


class FakeDocker:
    """The responses of the program and its calls.

    A response is a text, or a sequence of texts for consecutive calls, and an exit status, which
    each call may have of its own. With None the program runs until it is terminated.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.responses: dict[str, list[Any]] = dict(DEFAULT_RESPONSES)
        program = home / "bin" / "docker"
        program.parent.mkdir()
        program.write_text(DOCKER_SCRIPT.format(python=sys.executable, home=str(home)))
        program.chmod(0o755)
        (home / "docker-calls").touch()
        (home / "errors").touch()

    def set_containers(self, *containers: dict[str, Any]) -> None:
        self.responses["inspect"] = [json.dumps(containers), 0]

    def set_container_sequence(
        self, *turns: list[dict[str, Any]], since: str = "--remove-orphans"
    ) -> None:
        """Set the containers before a call with this word, and at each inspection after it."""
        self.responses["inspect"] = [[since, *(json.dumps(turn) for turn in turns)], 0]

    def set_stderr(self, text: str) -> None:
        """Set what each failing call writes to stderr."""
        (self.home / "errors").write_text(text)

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [
            ast.literal_eval(line) for line in (self.home / "docker-calls").read_text().splitlines()
        ]

    def get_only_call(self, *arguments: str) -> dict[str, Any]:
        """Return the only call with these arguments."""
        (found,) = [call for call in self.calls if set(arguments) <= set(call["arguments"])]
        return found

    def manage(self, output: io.StringIO, *arguments: str, **environ: str) -> int:
        return main(arguments, self.context(output, **environ))

    def context(self, output: io.StringIO, **environ: str) -> Context:
        """Return the context of a command that finds the program, with the current responses."""
        self.write_responses()
        environ = {"PATH": f"{self.home / 'bin'}:/usr/bin:/bin", **environ}
        terminal = Terminal(output, is_tty=False, colour=False)
        return Context(self.home, self.home / "manage.py", environ, terminal)

    def write_responses(self) -> None:
        """Write the current responses for the program."""
        (self.home / "responses").write_bytes(marshal.dumps(self.responses))
