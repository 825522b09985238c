import io
from pathlib import Path

import pytest

from control import start_messages
from control.context import Context
from control.terminal import Terminal


def prepare(home: Path, terminal: Terminal, text: str, **environ: str) -> None:
    (home / ".env").write_text(text)
    start_messages.prepare_environment(
        Context(home, home / "manage.py", {"STATE_DIR": "state"} | environ, terminal), "x"
    )


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("TELEGRAM_TOKN", "did you mean TELEGRAM_TOKEN?"),
        ("telegram_token", "did you mean TELEGRAM_TOKEN?"),
        ("OPENAI_KEY", "did you mean OPENAI_API_KEY?"),
        ("ZZZ", "see .env.example"),
    ],
)
def test_misspelled_setting_suggests_the_nearest_without_its_value(
    home: Path, terminal: Terminal, output: io.StringIO, name: str, advice: str
) -> None:
    prepare(home, terminal, f"{name}=123:secret\n")
    (message,) = output.getvalue().splitlines()[1:]
    assert message == f"! .env: {name} is not a setting of the suite; {advice}"


def test_known_settings_give_no_warning(
    home: Path, terminal: Terminal, output: io.StringIO
) -> None:
    example = (home / ".env.example").read_text()
    others = "SANDBOX_TELEGRAM_TOKEN=1:a\nHTTPS_PROXY=http://proxy\nTZ=UTC\n"
    prepare(home, terminal, example + others)
    assert output.getvalue().splitlines() == ["Smart Assistant (x mode)"]


def test_process_environment_may_contain_unknown_variables(
    home: Path, terminal: Terminal, output: io.StringIO
) -> None:
    prepare(home, terminal, "", TELEGRAM_TOKN="1:a")
    assert output.getvalue().splitlines() == ["Smart Assistant (x mode)"]
