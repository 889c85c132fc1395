"""What every request passes, and nearly all that ties the service to Litestar."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from litestar.types import HTTPScope, Receive, Send

    HttpApp = Callable[[HTTPScope, Receive, Send], Awaitable[None]]
