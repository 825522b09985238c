"""The interactive chat in the terminal."""

import threading
from collections.abc import Callable

from control.errors import ControlError
from control.outage_detector import OutageDetector
from control.sandbox_chat import SandboxAccount, SandboxChat
from control.terminal import BOLD, DIM, Terminal

_POLL_SECONDS = 0.2
_PROMPT = "› "


class ChatRepl:
    """Reads lines, and shows messages of the bot at any time: reminders arrive on their own."""

    def __init__(
        self,
        terminal: Terminal,
        chat: SandboxChat,
        user: SandboxAccount,
        new_outage_detector: Callable[[], OutageDetector],
    ) -> None:
        self._terminal = terminal
        self._chat = chat
        self._user = user
        self._last_message_id = chat.get_updates(user, 0).last_message_id
        self._stopped = threading.Event()
        self._is_typing_shown = False
        self._new_outage_detector = new_outage_detector
        self._outage_detector: OutageDetector | None = None
        """Set while a reply is expected."""

    def run(self) -> None:
        """Chat until Ctrl-D, Ctrl-C or /quit."""
        greeting = self._terminal.paint(f"You are {self._user.first_name}.", BOLD)
        self._terminal.print_line(f"{greeting} Ctrl-D or /quit ends the conversation.")
        listener = threading.Thread(target=self._poll_updates, daemon=True)
        listener.start()
        try:
            self._read_input()
        except (EOFError, KeyboardInterrupt):
            self._terminal.print_line()
        finally:
            self._stopped.set()
            listener.join(timeout=5)

    def _read_input(self) -> None:
        import readline  # noqa: F401 - gives input() its editing

        while True:
            text = input(_PROMPT).strip()
            self._is_typing_shown = False  # the cursor is no longer directly below "typing…"
            if text == "/quit":
                return
            if text:
                self._outage_detector = self._new_outage_detector()
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
        self._last_message_id = updates.last_message_id
        for text in updates.bot_texts:
            self._print_above_prompt(text)
            self._outage_detector = None
        if updates.is_typing and not self._is_typing_shown:
            self._print_above_prompt(self._terminal.paint("typing…", DIM))
            self._is_typing_shown = True
        if (detector := self._outage_detector) is None:
            return
        if updates.is_typing:
            detector.reset()
        elif reason := detector.get_outage():
            # only once: the message stays queued, so a reply may still come later
            self._print_above_prompt(self._terminal.paint(reason, DIM))
            self._outage_detector = None

    def _print_above_prompt(self, text: str) -> None:
        """Print above the line that is being typed; overwrites "typing…"."""
        import readline

        erase = "\r\033[K" + ("\033[A\033[K" if self._is_typing_shown else "")
        self._is_typing_shown = False
        prompt = _PROMPT + readline.get_line_buffer()
        print(f"{erase}{text}\n{prompt}", end="", flush=True)
