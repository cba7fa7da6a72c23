"""Writing pages of features as a file, in a thread that asks the loop for page after page."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing

from cim.model.collection import Collection
from cim.store.exporting import FeaturePage
from importers.exports import Exported, ExportOrder, write_features


async def written(order: ExportOrder, pages: AsyncGenerator[FeaturePage, None], *, overwrite: bool = False) -> Exported:
    """Write a file, see ``importers.exports.write_features``; others are served meanwhile."""
    loop = asyncio.get_running_loop()
    failed: list[Exception] = []

    def each() -> Iterator[FeaturePage]:
        try:
            while (page := asyncio.run_coroutine_threadsafe(_next(pages), loop).result()) is not None:
                yield page
        except Exception as error:
            failed.append(error)
            raise

    async with aclosing(pages):
        try:
            return await asyncio.to_thread(write_features, order, each(), overwrite=overwrite)
        except RuntimeError as error:
            if failed:  # pyogrio tells no more than that a page could not be had
                raise failed[0] from error
            raise


def origin_of(collection: Collection, srid: int, version: int | None = None) -> list[tuple[str, object]]:
    """Where a file's features come from, as lines for people: layer, version (None: the current one), CRS."""
    return [
        ("图层 layer", collection.id),
        ("版本 version", collection.version if version is None else version),
        ("坐标系 CRS", f"EPSG:{srid}"),
    ]


async def _next(pages: AsyncIterator[FeaturePage]) -> FeaturePage | None:
    return await anext(pages, None)
