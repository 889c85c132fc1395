"""What workers and the relay have in common: how they are told, and how they end."""

import contextlib
import json
import os
import resource
import signal
import sys
import threading
import time

from api.settings import Settings


def told() -> Settings | None:
    """Wait for the supervisor's word, a JSON object of environment variables on one line; None if it is gone."""
    line = sys.stdin.readline()
    if not line:
        return None
    os.environ.update(json.loads(line))
    return Settings.load()


def allow_many_connections() -> None:
    """Raise the soft limit of open files, often 1,024, to the hard limit, often far higher."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def follow_supervisor(patience: float) -> None:
    """End this process after the supervisor, in order if possible."""
    threading.Thread(target=_follow, args=(patience,), daemon=True).start()


def _follow(patience: float) -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience + 2)
    os._exit(1)
