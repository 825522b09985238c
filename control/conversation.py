"""A conversation in the terminal."""

import sys
import threading
from collections.abc import Callable

from control.chat import Chat, Person, bot_texts
from control.errors import ControlError
from control.silence import Silence
from control.terminal import BOLD, DIM, Terminal

_POLL = 0.2
_PROMPT = "› "


class Conversation:
    """Reads lines and shows what comes, also what comes late: a reminder comes when it comes."""

    def __init__(
        self, terminal: Terminal, chat: Chat, person: Person, silence: Callable[[], Silence]
    ) -> None:
        self._terminal = terminal
        self._chat = chat
        self._person = person
        self._newest = chat.newest(person)
        self._ended = threading.Event()
        self._typing = False
        self._begin_silence = silence
        self._silence: Silence | None = None
        """While an answer is waited for."""

    def hold(self) -> int:
        """Until Ctrl-D, Ctrl-C or /quit."""
        self._terminal.line(
            self._terminal.paint(f"You are {self._person.first_name}.", BOLD)
            + " Ctrl-D or /quit ends the conversation."
        )
        listener = threading.Thread(target=self._listen, daemon=True)
        listener.start()
        try:
            self._read()
        except (EOFError, KeyboardInterrupt):
            self._terminal.line()
        finally:
            self._ended.set()
            listener.join(timeout=5)
        return 0

    def _read(self) -> None:
        import readline  # noqa: F401 - gives input() its editing

        while True:
            text = input(_PROMPT).strip()
            self._typing = False  # the cursor is no longer right below that line
            if text == "/quit":
                return
            if text:
                self._silence = self._begin_silence()
                self._chat.say(self._person, text)

    def _listen(self) -> None:
        while not self._ended.wait(_POLL):
            try:
                self._look()
            except ControlError as error:
                self._show(str(error))
                self._ended.wait(5)

    def _look(self) -> None:
        news = self._chat.news(self._person, self._newest)
        self._newest = max((message.id for message in news.messages), default=self._newest)
        for text in bot_texts(news):
            self._show(text)
            self._silence = None
        if news.typing and not self._typing:
            self._show(self._terminal.paint("typing…", DIM))
            self._typing = True
        if self._silence:
            self._explain(self._silence, is_typing=news.typing)

    def _explain(self, silence: Silence, *, is_typing: bool) -> None:
        """Say once why nothing comes; what was said is kept, so the answer may come later."""
        if is_typing:
            silence.broken()
        elif reason := silence.reason():
            self._show(self._terminal.paint(reason, DIM))
            self._silence = None

    def _show(self, text: str) -> None:
        """Above the line that is being typed; what comes takes the place of "typing"."""
        import readline

        wiped = "\r\033[K" + ("\033[A\033[K" if self._typing else "")
        self._typing = False
        sys.stdout.write(f"{wiped}{text}\n{_PROMPT}{readline.get_line_buffer()}")
        sys.stdout.flush()
