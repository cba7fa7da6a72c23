"""Tiles in files: there again after a restart, bounded, and never torn, foreign or of another database."""

import asyncio
from pathlib import Path

import pytest

from tiles.cache import TileKey
from tiles.disk_cache import QUIET_S, DiskTiles

KEY = TileKey("squares", "0123", "WebMercatorQuad", 3, 1, 2)


async def opened(folder: Path, database: str = "one", max_bytes: int = 1_000_000) -> DiskTiles:
    tiles = DiskTiles(folder, max_bytes)
    await tiles.start(database)
    return tiles


async def test_a_tile_is_there_again_after_a_restart(tmp_path: Path) -> None:
    tiles = await opened(tmp_path / "tiles")
    tiles.put(KEY, b"content", 7)
    tiles.put(KEY._replace(x=2), b"", 8)
    await tiles.stop()
    again = await opened(tmp_path / "tiles")
    assert await again.get(KEY) == (b"content", 7)
    assert await again.get(KEY._replace(x=2)) == (b"", 8)
    assert await again.get(KEY._replace(y=3)) is None
    await again.stop()


@pytest.mark.parametrize("spoil", ["cut", "flip", "empty", "foreign"])
async def test_a_spoilt_file_is_no_tile(tmp_path: Path, spoil: str) -> None:
    tiles = await opened(tmp_path / "tiles")
    tiles.put(KEY, b"content" * 100, 7)
    await tiles.stop()
    (file,) = (path for path in (tmp_path / "tiles").rglob("*") if path.is_file())
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    again = await opened(tmp_path / "tiles")
    if spoil == "foreign":
        again.put(KEY._replace(x=5), b"other", 9)
        await again.stop()
        again = await opened(tmp_path / "tiles")
        (other,) = (path for path in (tmp_path / "tiles").rglob("*") if path.is_file() and path != file)
        file.write_bytes(other.read_bytes())
    else:
        file.write_bytes({"cut": whole[:-3], "flip": bytes(flipped), "empty": b""}[spoil])
    assert await again.get(KEY) is None
    await again.stop()


async def test_tiles_of_another_database_are_removed(tmp_path: Path) -> None:
    tiles = await opened(tmp_path / "tiles")
    tiles.put(KEY, b"content", 7)
    await tiles.stop()
    other = await opened(tmp_path / "tiles", "two")
    assert await other.get(KEY) is None
    await other.stop()
    again = await opened(tmp_path / "tiles")
    assert await again.get(KEY) is None
    await again.stop()


async def test_the_folder_stays_within_its_bound(tmp_path: Path) -> None:
    tiles = await opened(tmp_path / "tiles", max_bytes=50_000)
    for x in range(200):
        tiles.put(KEY._replace(x=x), bytes(1_000), 1)
        await asyncio.sleep(0.001)
    await tiles.stop()
    size = sum(path.stat().st_size for path in (tmp_path / "tiles").rglob("*") if path.is_file())
    assert 30_000 < size <= 50_000 * 1.05 + 1_200
    again = await opened(tmp_path / "tiles", max_bytes=50_000)
    assert await again.get(KEY._replace(x=199)) is not None
    await again.stop()


async def test_without_a_usable_folder_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    tiles = await opened(tmp_path / "file" / "tiles")
    tiles.put(KEY, b"content", 7)
    assert await tiles.get(KEY) is None
    await tiles.stop()


async def test_tiles_are_written_once_no_new_ones_come(tmp_path: Path) -> None:
    tiles = await opened(tmp_path / "tiles")
    tiles.put(KEY, b"content", 7)
    assert await tiles.get(KEY) is None
    looks = 0
    while await tiles.get(KEY) is None and looks < 100:
        looks += 1
        await asyncio.sleep(QUIET_S / 2)
    assert await tiles.get(KEY) == (b"content", 7)
    await tiles.stop()


async def test_what_waits_to_be_written_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiles.disk_cache.BEHIND_BYTES", 100)
    tiles = await opened(tmp_path / "tiles")
    tiles.put(KEY, bytes(80), 7)
    tiles.put(KEY._replace(x=2), bytes(80), 7)
    await tiles.stop()
    again = await opened(tmp_path / "tiles")
    assert await again.get(KEY) == (bytes(80), 7)
    assert await again.get(KEY._replace(x=2)) is None
    await again.stop()
