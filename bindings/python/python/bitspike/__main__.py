"""`python -m bitspike`, and the script `bitspike`: the whole command line."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    """Does what `sys.argv` says, and returns the exit code."""
    # What Python makes of Ctrl-C waits for Python to run, which it does not here.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.run(["bitspike", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
