"""The whole suite as processes, with its own ports and folder, for end-to-end tests."""

import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx2

from smart_kit.testing import docker_resources, leftover_processes, local_http, run_folder
from smart_kit.testing.ports import LOCALHOST, free_ports
from smart_kit.testing.run_cleanup import ROOT, run_merging_output

VARIABLES = tuple(re.findall(r"(?m)^(\w+)=", (ROOT / ".env.example").read_text("utf-8")))
"""Emptied unless a test sets them, so that a developer's own `.env` never reaches a test."""
PORT_VARIABLES = tuple(name for name in VARIABLES if name.endswith("_PORT"))
SECRET_VARIABLES = (
    *("ADMIN_API_TOKEN", "SERVICE_API_TOKEN", "SANDBOX_CHAT_TOKEN"),
    *("REDIS_PASSWORD", "POSTGRES_PASSWORD"),
)

COMMAND_TIMEOUT_SECONDS = 600.0
"""Long, because the first start in Docker builds images."""

SuiteMode = Literal["local", "docker"]
DEFAULT_MODE: SuiteMode = "docker" if os.environ.get("SUITE_MODE") == "docker" else "local"
"""The mode of tests that run in either mode; `./manage.py test` sets the variable."""


@dataclass
class SuiteHarness:
    """One suite. `settings` override all other settings."""

    state_dir: Path
    settings: dict[str, str] = field(default_factory=dict)
    mode: SuiteMode = "local"
    entry_point: Path = ROOT / "manage.py"
    environment: dict[str, str] = field(init=False)
    _exit_stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        ports = map(str, free_ports(len(PORT_VARIABLES)))
        self.environment = (
            dict.fromkeys(VARIABLES, "")
            | dict(zip(PORT_VARIABLES, ports, strict=True))
            | {secret: secrets.token_urlsafe(24) for secret in SECRET_VARIABLES}
            | {"STATE_DIR": str(self.state_dir), "LOG_FORMAT": "json"}
            | {"COMPOSE_PROJECT_NAME": _make_project_name(self.mode)}
            | self.settings
        )

    def manage(self, *arguments: str, timeout: float = COMMAND_TIMEOUT_SECONDS) -> str:
        """Run `./manage.py` and return its output. Fails the test if the command fails."""
        done = self.try_manage(*arguments, timeout=timeout)
        assert done.returncode == 0, f"manage.py {' '.join(arguments)}:\n{done.stdout}"
        return done.stdout

    def try_manage(
        self, *arguments: str, timeout: float = COMMAND_TIMEOUT_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        name, *rest = arguments
        command = [sys.executable, str(self.entry_point), name, f"--{self.mode}", *rest]
        return run_merging_output(command, os.environ | self.environment, timeout)

    def url(self, port: str, path: str = "") -> str:
        """Return the URL of a service, e.g. `url("REST_SERVICE_PORT", "/api/users")`."""
        return f"http://{LOCALHOST}:{self.environment[port]}{path}"

    @property
    def test_host(self) -> str:
        """The name of this machine for the services, with which they reach servers of tests."""
        return "host.docker.internal" if self.mode == "docker" else LOCALHOST

    def make_admin_client(self) -> httpx2.Client:
        return self._make_client("REST_SERVICE_PORT", "/api", token="ADMIN_API_TOKEN")

    def get_json(self, path: str, **query: str | int) -> Any:
        with self.make_admin_client() as admin:
            return admin.get(path, params=query).raise_for_status().json()

    def get_secretary_id(self) -> str:
        assistants = self.get_json("/assistants")["items"]
        return str(next(one["id"] for one in assistants if one["is_secretary"]))

    def get_user_id(self, user: "SandboxUser") -> str:
        return str(self.get_json(f"/users/by-telegram-id/{user.telegram_id}")["id"])

    def make_sandbox_client(self) -> httpx2.Client:
        """A client of the sandbox's chat page, which the suite closes."""
        client = self._make_client("SANDBOX_PORT", token="SANDBOX_CHAT_TOKEN")
        return self._exit_stack.enter_context(client)

    def assert_no_api_violations(self) -> None:
        """Fail the test if the bot made calls that Telegram does not document."""
        response = self.make_sandbox_client().get("/chat/api/violations")
        assert response.raise_for_status().json()["items"] == []

    def get_or_create_user(self, name: str) -> "SandboxUser":
        """Return a user of the sandbox's chat page, created if necessary."""
        http = self.make_sandbox_client()
        people = http.get("/chat/people").raise_for_status().json()["items"]
        found = next((one for one in people if one["first_name"] == name), None)
        return SandboxUser(http, found) if found else self.create_user(name)

    def create_user(self, name: str) -> "SandboxUser":
        """Create a user of the sandbox's chat page, even if another one has the name."""
        http = self.make_sandbox_client()
        language = "ru" if re.search("[а-я]", name.lower()) else "en"
        body = {"first_name": name, "language_code": language}
        return SandboxUser(http, http.post("/chat/people", json=body).raise_for_status().json())

    def close(self) -> None:
        self._exit_stack.close()

    def remove(self) -> None:
        """Stop the suite and delete all of its data."""
        self.close()
        self.manage("stop", "--remove", "--yes")
        if self.mode == "docker":
            name = self.environment["COMPOSE_PROJECT_NAME"]
            docker_resources.remove_resources(name)  # its images too
            assert docker_resources.find_resources(name) == {}
        shutil.rmtree(self.state_dir, ignore_errors=True)

    def run_compose(self, *arguments: str) -> str:
        files = ["--file", "docker-compose.yml", "--env-file", os.devnull]
        done = subprocess.run(
            ["docker", "compose", *files, *arguments],
            env=os.environ | self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"docker compose {' '.join(arguments)}:\n{done.stderr}"
        return done.stdout

    def find_pids(self) -> list[int]:
        return leftover_processes.find_pids_of_suite(self.state_dir)

    def _make_client(self, port: str, path: str = "", *, token: str) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.environment[token]}"}
        return local_http.make_client(self.url(port, path), headers)


def _make_project_name(mode: SuiteMode) -> str:
    """Return the project name, by which later test runs find leftover resources."""
    run = run_folder.get_current_path()
    if run and mode == "docker":
        docker_resources.mark_docker_used(run)
    return f"{docker_resources.resource_prefix(run.name if run else 'alone')}{secrets.token_hex(4)}"


@dataclass
class SandboxUser:
    """A user of the sandbox's chat page who talks to the bot."""

    http: httpx2.Client
    profile: dict[str, Any]

    @property
    def telegram_id(self) -> int:
        return int(self.profile["id"])

    def get_messages(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the messages of the chat after an id, oldest first."""
        response = self.http.get(f"/chat/{self.telegram_id}/messages", params={"after": after})
        items: list[dict[str, Any]] = response.raise_for_status().json()["items"]
        return items

    def get_bot_texts(self, after: int = 0) -> list[str]:
        """Return the texts of the bot's messages with greater ids, oldest first."""
        return [one["text"] for one in self.get_messages(after) if one["from"] == "bot"]

    def send(self, text: str) -> int:
        """Send a message and return its id."""
        path = f"/chat/{self.telegram_id}/messages"
        sent = self.http.post(path, json={"text": text}).raise_for_status().json()
        return int(sent["message_id"])

    def send_location(self, latitude: float, longitude: float) -> int:
        """Send a location, in degrees, and return the id of its message."""
        path = f"/chat/{self.telegram_id}/location"
        body = {"latitude": latitude, "longitude": longitude}
        return int(self.http.post(path, json=body).raise_for_status().json()["message_id"])

    def press(self, label: str, after: int = 0, seconds: float = 60.0) -> int:
        """Press the first button with this text in its label, in the first message after an id
        that has one; wait for it. Returns the id of the message."""
        message = self.wait_for(lambda one: _find_button(one, label) is not None, after, seconds)
        button = _find_button(message, label)
        assert button is not None
        body = {"message_id": message["message_id"], "data": button["callback_data"]}
        self.http.post(f"/chat/{self.telegram_id}/buttons", json=body).raise_for_status()
        return int(message["message_id"])

    def wait_for(
        self, is_match: Callable[[dict[str, Any]], bool], after: int = 0, seconds: float = 60.0
    ) -> dict[str, Any]:
        """Wait for the first message of the bot after an id that matches, perhaps by an edit."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for message in self.get_messages(after):
                if message["from"] == "bot" and is_match(message):
                    return message
            time.sleep(0.05)
        raise AssertionError(f"no such message within {seconds} s: {self.get_messages(after)}")

    def wait_for_message(
        self, after: int, is_match: Callable[[str], bool] = bool, seconds: float = 60.0
    ) -> str:
        """Wait for the first message of the bot after an id with a matching text."""
        return str(self.wait_for(lambda one: is_match(one["text"]), after, seconds)["text"])

    def send_and_wait(self, text: str, seconds: float = 60.0) -> str:
        return self.wait_for_message(self.send(text), seconds=seconds)


def list_labels(message: dict[str, Any]) -> list[list[str]]:
    """Return the labels of a message's buttons, row by row."""
    return [[button["text"] for button in row] for row in _list_button_rows(message)]


def _find_button(message: dict[str, Any], label: str) -> dict[str, Any] | None:
    buttons = (button for row in _list_button_rows(message) for button in row)
    return next((button for button in buttons if label in button["text"]), None)


def _list_button_rows(message: dict[str, Any]) -> list[list[dict[str, Any]]]:
    rows: list[list[dict[str, Any]]] = (message["reply_markup"] or {}).get("inline_keyboard", [])
    return rows


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition. Fails the test if it never holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
