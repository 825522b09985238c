import io
from types import SimpleNamespace

import pytest

from control.terminal import Terminal


def test_progress_is_shown_and_replaced_by_the_next_line() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream, is_tty=True, colour=False)
    terminal.show_progress("… waiting")
    terminal.print_line("done")
    assert stream.getvalue() == "\r\033[K… waiting\r\033[Kdone\n"


def test_file_sees_only_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control.terminal.time", SimpleNamespace(monotonic=lambda: 0.0))
    stream = io.StringIO()
    terminal = Terminal(stream, is_tty=False, colour=False)
    terminal.show_progress("… waiting")
    with terminal.step("work"):
        terminal.show_progress("… more")
    assert stream.getvalue() == " ✓ work                     0.0 s\n"


def test_long_work_is_announced_to_a_file_first() -> None:
    stream = io.StringIO()
    with Terminal(stream, is_tty=False, colour=False).step("work", "(takes a minute)"):
        assert stream.getvalue() == "   work (takes a minute) …\n"


def test_unsupported_symbols_are_replaced() -> None:
    raw = io.BytesIO()
    terminal = Terminal(io.TextIOWrapper(raw, "ascii"), is_tty=False, colour=False)
    terminal.print_success("работа")
    assert raw.getvalue().startswith(b" ok ??????")


def test_colours_can_be_disabled() -> None:
    assert Terminal(io.StringIO(), is_tty=True, colour=False).paint("x", "31") == "x"
    assert Terminal(io.StringIO(), is_tty=True, colour=True).paint("x", "31") == "\033[31mx\033[0m"
