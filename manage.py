#!/usr/bin/env python3
"""Start, stop and look after Smart Assistant: `./manage.py --help`.

Kept so simple that any old Python can parse it and say what it lacks.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this very line tells the operator of an older Python
    sys.exit(
        "Smart Assistant needs Python 3.11 or newer; this is Python %d.%d (%s). "  # noqa: UP031 - parsed by old Pythons
        "Run it with a newer one, for example: python3.13 manage.py start"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
if os.name != "posix":
    sys.exit("Smart Assistant runs on Linux and macOS; on Windows, run it inside WSL 2.")

try:
    from control.cli import main

    if __name__ == "__main__":
        sys.exit(main())
except KeyboardInterrupt:  # while it was still beginning
    sys.exit(130)
