"""Loading what reports are written with, while the analysis they tell of still runs: the first waits for little."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from cim.errors import CimError
from tiles import picture_work
from tiles.picture_pool import PicturePool

LOADING_S = 20.0
PICTURED = frozenset({"docx", "pdf", "zip"})
"""The forms with a map in them."""


class Readiness:
    """While the block runs, the drawing process starts and the text libraries load, where the form needs them."""

    def __init__(self, form: str, pool: PicturePool) -> None:
        self._form, self._pool = form, pool
        self._tasks: list[asyncio.Task[object]] = []

    async def __aenter__(self) -> Self:
        if self._form in PICTURED:
            self._tasks.append(asyncio.create_task(self._drawing()))
        if self._form in {"pdf", "zip"}:
            self._tasks.append(asyncio.create_task(asyncio.to_thread(_load_text_libraries)))
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _drawing(self) -> None:
        with contextlib.suppress(CimError):
            await self._pool.run(picture_work.readiness, None, LOADING_S)


def _load_text_libraries() -> None:
    import weasyprint  # noqa: F401, PLC0415 - loads the text libraries of the system
