"""Archives of tiles: what goes in comes out, whoever reads the zip; damage is told."""

import io
import zipfile
from pathlib import Path

import pytest

from cim.errors import StoreError
from cim.store.tile_archives import INDEX, TileArchive, named_after, write_archive

FILES = {f"tiles/{number}/瓦片 {number}.glb": bytes([number % 256]) * number for number in range(300)} | {
    "tileset.json": b"{}"
}


def opened(name: str) -> io.BytesIO:
    return io.BytesIO(FILES[name])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "set.3tz"
    write_archive(path, FILES, opened)
    return path


def test_what_goes_in_comes_out(path: Path) -> None:
    archive = TileArchive.opened(path)
    assert all(archive.read(name) == data for name, data in FILES.items())
    for name in ("", "tiles", "tiles/0", "TILESET.JSON", "../tileset.json"):
        assert archive.read(name) is None


def test_it_is_a_zip_for_others_with_an_index_in_order(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist() if name != INDEX} == FILES
        assert archive.namelist()[-1] == INDEX
        index = archive.read(INDEX)
    hashes = [index[at : at + 16] for at in range(0, len(index), 24)]
    assert len(hashes) == len(FILES)
    assert hashes == sorted(hashes, key=lambda one: (one[7::-1], one[:7:-1]))


def test_equal_files_make_equal_archives(path: Path, tmp_path: Path) -> None:
    write_archive(tmp_path / "again.3tz", reversed(list(FILES)), opened)
    assert (tmp_path / "again.3tz").read_bytes() == path.read_bytes()
    name = named_after(FILES, opened, "a")
    assert name == named_after(reversed(list(FILES)), opened, "a")
    assert name != named_after(FILES, opened, "b")
    assert name != named_after(list(FILES)[:-1], opened, "a")


def test_damage_is_told_without_a_path(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    for data in (whole[:-80], whole[:200], b"", whole[:-30] + b"index 99999999999 7"):
        path.write_bytes(data)
        with pytest.raises(StoreError) as told:
            TileArchive.opened(path)
        assert str(tmp_path) not in str(told.value)
    path.write_bytes(whole)
    archive = TileArchive.opened(path)
    path.write_bytes(b"\x00" * len(whole))
    with pytest.raises(StoreError):
        archive.read("tileset.json")
    path.unlink()
    with pytest.raises(StoreError):
        archive.read("tileset.json")
