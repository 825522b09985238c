#!/usr/bin/env python3
"""Start, stop and manage Smart Assistant: `./manage.py --help`.

Old Pythons must be able to parse this file, to print which version is needed.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - for operators with an older Python
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
except KeyboardInterrupt:  # during the imports
    sys.exit(130)
