"""Runs a module that cleans up if it is interrupted, with one line instead of a traceback.

    python -m control.testing.interruptible MODULE [ARGUMENT ...]

SIGTERM ends the module as Ctrl-C does: by KeyboardInterrupt, so that its context managers close.
"""

import runpy
import signal
import sys

_INTERRUPTED_STATUS = 130
"""The exit status after Ctrl-C, as in a shell."""


def main() -> int:
    """Run the module that the arguments name. Return the exit status, if it does not exit."""
    signal.signal(signal.SIGTERM, _interrupt)
    del sys.argv[0]
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED_STATUS
    return 0


def _interrupt(*_: object) -> None:
    # `timeout` signals the whole process group, and manage.py passes its own signal on: the second
    # one must not end the cleaning up. Unlike a handler, SIG_IGN would be inherited by children.
    signal.signal(signal.SIGTERM, lambda *_: None)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
