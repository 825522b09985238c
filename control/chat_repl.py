"""The interactive chat in the terminal."""

import sys
import threading
from collections.abc import Callable

from control.errors import ControlError
from control.reply_watchdog import ReplyWatchdog
from control.sandbox_chat import SandboxAccount, SandboxChat, iter_bot_texts
from control.terminal import BOLD, DIM, Terminal

_POLL_SECONDS = 0.2
_PROMPT = "› "


class ChatRepl:
    """Reads lines and shows messages of the bot at any time, because reminders arrive on their
    own."""

    def __init__(
        self,
        terminal: Terminal,
        chat: SandboxChat,
        user: SandboxAccount,
        new_watchdog: Callable[[], ReplyWatchdog],
    ) -> None:
        self._terminal = terminal
        self._chat = chat
        self._user = user
        self._last_message_id = chat.get_last_message_id(user)
        self._stopped = threading.Event()
        self._is_typing_shown = False
        self._new_watchdog = new_watchdog
        self._watchdog: ReplyWatchdog | None = None
        """Set while a reply is expected."""

    def run(self) -> int:
        """Chat until Ctrl-D, Ctrl-C or /quit."""
        self._terminal.print_line(
            self._terminal.paint(f"You are {self._user.first_name}.", BOLD)
            + " Ctrl-D or /quit ends the conversation."
        )
        listener = threading.Thread(target=self._poll_updates, daemon=True)
        listener.start()
        try:
            self._read_input()
        except (EOFError, KeyboardInterrupt):
            self._terminal.print_line()
        finally:
            self._stopped.set()
            listener.join(timeout=5)
        return 0

    def _read_input(self) -> None:
        import readline  # noqa: F401 - gives input() its editing

        while True:
            text = input(_PROMPT).strip()
            self._is_typing_shown = False  # the cursor is no longer directly below "typing…"
            if text == "/quit":
                return
            if text:
                self._watchdog = self._new_watchdog()
                self._chat.send(self._user, text)

    def _poll_updates(self) -> None:
        while not self._stopped.wait(_POLL_SECONDS):
            try:
                self._show_updates()
            except ControlError as error:
                self._print_above_prompt(str(error))
                self._stopped.wait(5)

    def _show_updates(self) -> None:
        updates = self._chat.get_updates(self._user, self._last_message_id)
        self._last_message_id = max(
            (message.id for message in updates.messages), default=self._last_message_id
        )
        for text in iter_bot_texts(updates):
            self._print_above_prompt(text)
            self._watchdog = None
        if updates.is_typing and not self._is_typing_shown:
            self._print_above_prompt(self._terminal.paint("typing…", DIM))
            self._is_typing_shown = True
        if self._watchdog:
            self._check_watchdog(self._watchdog, is_typing=updates.is_typing)

    def _check_watchdog(self, watchdog: ReplyWatchdog, *, is_typing: bool) -> None:
        """Print once why no reply arrives. The message stays queued, so a reply may still come
        later."""
        if is_typing:
            watchdog.reset()
        elif reason := watchdog.get_failure():
            self._print_above_prompt(self._terminal.paint(reason, DIM))
            self._watchdog = None

    def _print_above_prompt(self, text: str) -> None:
        """Print above the line that the user is typing; overwrites "typing…"."""
        import readline

        wiped = "\r\033[K" + ("\033[A\033[K" if self._is_typing_shown else "")
        self._is_typing_shown = False
        sys.stdout.write(f"{wiped}{text}\n{_PROMPT}{readline.get_line_buffer()}")
        sys.stdout.flush()
