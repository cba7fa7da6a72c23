"""Sets that are broken in one place are refused for it; hostile ones cost neither time nor memory."""

import copy
import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_tilesets import b3dm, box, cmpt, glb, mesh_set, pnts, region, written

from cim.errors import ImportRefused
from importers.importer import ReadOptions
from importers.tilesets import contents
from importers.tilesets.contents import BadContent, content_of
from importers.tilesets.documents import ImplicitTiling
from importers.tilesets.files import FolderFiles, files_of, root_of
from importers.tilesets.subtrees import BadSubtree, Place, read_subtree
from importers.tilesets.tileset import Tileset, look
from importers.tilesets.uris import BadUri, file_of
from importers.tilesets.walking import walk

Files = dict[str, Any]


def root(files: Files) -> dict[str, Any]:
    found: dict[str, Any] = files["tileset.json"]["root"]
    return found


def edited(change: Callable[[Files], None]) -> Files:
    files = copy.deepcopy(mesh_set())
    change(files)
    return files


def set_root(**values: Any) -> Callable[[Files], None]:
    return lambda files: root(files).update(values)


def child(**values: Any) -> Callable[[Files], None]:
    return lambda files: root(files)["children"][0].update(values)


def file(name: str, data: bytes | None) -> Callable[[Files], None]:
    return lambda files: files.pop(name) if data is None else files.update({name: data})


BROKEN: list[tuple[str, Callable[[Files], None], str, str]] = [
    ("missing content", file("tiles/left.b3dm", None), "tileset-missing", "tiles/left.b3dm is not there"),
    ("missing document", file("more/inner.json", None), "tileset-missing", "more/inner.json is not there"),
    ("empty content", file("tiles/left.b3dm", b""), "tileset-content", "begins with"),
    ("a picture for a tile", file("tiles/left.b3dm", b"\x89PNG\r\n\x1a\n" * 9), "tileset-content", "no b3dm"),
    ("cut off", file("tiles/left.b3dm", b3dm()[:-5]), "tileset-content", "announces"),
    ("glTF in it cut off", file("tiles/left.b3dm", b3dm(glb()[:-20])), "tileset-content", "announces"),
    ("no glTF in it", file("tiles/left.b3dm", b3dm(b"nothing of the kind")), "tileset-content", "no binary glTF"),
    ("document is no JSON", file("more/inner.json", b"{"), "tileset-content", "no JSON"),
    ("document is a list", file("more/inner.json", b"[]"), "tileset-content", "begins with"),
    ("document is other JSON", file("more/inner.json", b'{"a":1}'), "tileset-content", "neither a tileset nor"),
    ("NaN", file("more/inner.json", b'{"root":{},"geometricError":NaN}'), "tileset-content", "no number of JSON"),
    ("a network address", child(content={"uri": "https://example.com/a.b3dm"}), "tileset-uri", "on the network"),
    (
        "an address without scheme",
        child(content={"uri": "//example.com/a.b3dm"}),
        "tileset-uri",
        "on the network",
    ),
    ("an absolute address", child(content={"uri": "/etc/passwd"}), "tileset-uri", "absolute"),
    ("a way out", child(content={"uri": "../../secret.b3dm"}), "tileset-uri", "leads out"),
    ("a way out in code", child(content={"uri": "%2e%2e/%2e%2e/secret.b3dm"}), "tileset-uri", "leads out"),
    ("a file address", child(content={"uri": "file:///etc/passwd"}), "tileset-uri", "on the network"),
    ("a drive", child(content={"uri": "..\\secret.b3dm"}), "tileset-uri", "no address"),
    ("error of a child", child(geometricError=9), "tileset-error", "greater than 8"),
    ("far outside its parent", child(boundingVolume=box((900, 0, 15), (5, 5, 5))), "tileset-volume", "wholly outside"),
    ("transform without volume", child(transform=[0.0] * 15 + [1.0]), "tileset-transform", "no volume"),
    ("transform with a number too many", child(transform=[1.0] * 17), "tileset-form", "transform"),
    ("an infinite box", child(boundingVolume={"box": [1e999] * 12}), "tileset-json", "no number"),
    ("two kinds of contents", set_root(contents=[{"uri": "tiles/whole.b3dm"}]), "tileset-form", "either content or"),
    ("no bounding volume", lambda files: root(files).pop("boundingVolume"), "tileset-form", "boundingVolume"),
    ("text for a number", child(geometricError="2"), "tileset-form", "valid number"),
    ("a child that is a number", set_root(children=[7]), "tileset-form", "children.0"),
    (
        "an extension nobody shows",
        lambda files: files["tileset.json"].update(extensionsUsed=["X_new"], extensionsRequired=["X_new"]),
        "tileset-extension",
        "not shown here",
    ),
    (
        "a document that shows itself",
        lambda files: files["more/inner.json"]["root"].update(content={"uri": "../tileset.json"}),
        "tileset-loop",
        "leads back into itself",
    ),
]


@pytest.mark.parametrize(("change", "code", "said"), [one[1:] for one in BROKEN], ids=[one[0] for one in BROKEN])
def test_a_set_broken_in_one_place_is_refused_for_it(
    tmp_path: Path, change: Callable[[Files], None], code: str, said: str
) -> None:
    assert not walk(FolderFiles(written(tmp_path / "good", mesh_set()))).faults
    problems = walk(FolderFiles(written(tmp_path / "set", edited(change)))).faults.problems()
    refusing = [problem for problem in problems if problem.refuses]
    assert code in [problem.code for problem in refusing], problems
    assert said in " ".join(problem.message for problem in refusing), problems


def test_everything_wrong_is_told_at_once_and_counted(tmp_path: Path) -> None:
    files = mesh_set()
    root(files)["children"] = [
        {"boundingVolume": box((0, 0, 15), (9, 9, 9)), "geometricError": 0, "content": {"uri": f"tiles/{n}.b3dm"}}
        for n in range(500)
    ]
    (problem,) = walk(FolderFiles(written(tmp_path, files))).faults.problems()
    assert (problem.code, problem.count) == ("tileset-missing", 500)
    assert problem.message.count("is not there") == 3


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("a.b3dm", "x/a.b3dm"),
        ("./b/../a%20b.glb?v=3#1", "x/a b.glb"),
        ("../t.json", "t.json"),
        ("%E7%93%A6.b3dm", "x/瓦.b3dm"),
    ],
)
def test_addresses_lead_to_files(uri: str, name: str) -> None:
    assert file_of(uri, "x/tileset.json") == name
    for bad in ("", "?a", "a\x00b", "..", "../..", "http://[", "C:/a", "%00"):
        with pytest.raises(BadUri):
            file_of(bad, "x/tileset.json")


def test_contents_of_every_kind_are_known() -> None:
    i3dm_table = b'{"INSTANCES_LENGTH":1,"POSITION":[0,0,0]}   '
    named = i3dm_table + b"model.glb  "
    i3dm = struct.pack("<4s7I", b"i3dm", 1, 32 + len(named), len(i3dm_table), 0, 0, 0, 0) + named
    gltf = {"asset": {"version": "2.0"}, "buffers": [{"uri": "a.bin", "byteLength": 4}], "images": [{"uri": "b.png"}]}
    for data, kind, beside in (
        (glb(), "glb", []),
        (b3dm(), "b3dm", []),
        (pnts(), "pnts", []),
        (cmpt(b3dm(), i3dm, pnts()), "cmpt", ["model.glb"]),
        (i3dm, "i3dm", ["model.glb"]),
        (gzip.compress(b3dm()), "b3dm", []),
        (json.dumps(gltf).encode(), "gltf", ["a.bin", "b.png"]),
    ):
        found = content_of(io.BytesIO(data), len(data))
        assert (found.kind, found.addresses) == (kind, beside)
    old = content_of(io.BytesIO(b3dm(struct.pack("<4sIIII", b"glTF", 1, 20, 0, 0))), 68)
    assert "no more" in old.notes[0]


def test_contents_that_lie_of_themselves_are_told_apart() -> None:
    deep = pnts()
    for _ in range(9):
        deep = cmpt(deep)
    short = {"asset": {"version": "2.0"}, "buffers": [{"byteLength": 9000}]}
    far = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": 36}],
        "bufferViews": [{"buffer": 0, "byteLength": 99}],
    }
    none = {"asset": {"version": "2.0"}, "bufferViews": [{"buffer": 4, "byteLength": 1}]}
    for data, said in (
        (deep, "nested too deep"),
        (glb(short), "shorter than it says"),
        (glb(far), "over the end"),
        (glb(none), "names no buffer"),
        (glb({"asset": {}}), "version 2"),
        (glb()[:14], "announces"),
        (struct.pack("<4sIIIIII", b"b3dm", 1, 28, 2**31, 2**31, 0, 0), "longer than the file"),
        (struct.pack("<4sIIIIII", b"b3dm", 7, 28, 0, 0, 0, 0), "version 7"),
        (b"b3dm\x01", "incomplete"),
        (struct.pack("<4sIII", b"cmpt", 1, 16, 3), "longer than what is left"),
        (b"\x1f\x8b" + b"\x00" * 40, "gzip"),
        (b'{"a":' * 200_000, "nested too deep"),
    ):
        with pytest.raises(BadContent, match=said):
            content_of(io.BytesIO(data), len(data))


def test_a_gzip_bomb_is_not_unpacked_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MOST_UNPACKED_BYTES", 1024**2)
    bomb = gzip.compress(b"b3dm" + bytes(40 * 1024**2), 1)
    with pytest.raises(BadContent, match="512 MB"):
        content_of(io.BytesIO(bomb), len(bomb))


TREE = ImplicitTiling.model_validate(
    {"subdivisionScheme": "QUADTREE", "subtreeLevels": 2, "availableLevels": 4, "subtrees": {"uri": "{level}{x}{y}"}}
)


def subtree(text: dict[str, Any], binary: bytes = b"") -> bytes:
    data = json.dumps(text).encode()
    data += b" " * (-len(data) % 8)
    return struct.pack("<4sIQQ", b"subt", 1, len(data), len(binary)) + data + binary


def some(tiles: Any, contents: Any, children: Any, **more: Any) -> dict[str, Any]:
    return {"tileAvailability": tiles, "contentAvailability": contents, "childSubtreeAvailability": children, **more}


ALL, NONE = {"constant": 1}, {"constant": 0}


def nothing(address: str) -> bytes:
    raise BadSubtree(f"{address} is not there")


def test_bits_of_a_subtree_are_places() -> None:
    views = [{"buffer": 0, "byteOffset": at, "byteLength": 1 + (at == 8)} for at in (0, 8)]
    text = some(
        {"bitstream": 0, "availableCount": 3},
        [{"bitstream": 0}],
        {"bitstream": 1, "availableCount": 1},
        buffers=[{"byteLength": 16}],
        bufferViews=views,
    )
    binary = bytes([0b10101]) + bytes(7) + struct.pack("<H", 1 << 6) + bytes(6)
    found = read_subtree(subtree(text, binary), Place(0, 0, 0, 0), TREE, nothing)
    assert found.tiles == 3
    assert found.contents == ((Place(0, 0, 0, 0), Place(1, 1, 0, 0), Place(1, 1, 1, 0)),)
    assert found.children == (Place(2, 2, 1, 0),)
    lower = read_subtree(subtree(some(ALL, [ALL], NONE)), Place(2, 2, 1, 0), TREE, nothing)
    assert lower.contents[0][-1] == Place(3, 5, 3, 0)
    drafted = some(ALL, ALL, NONE)
    assert read_subtree(json.dumps(drafted).encode(), Place(0, 0, 0, 0), TREE, nothing).tiles == 5


def test_subtrees_that_contradict_themselves_are_refused() -> None:
    bits = {"buffers": [{"byteLength": 8}], "bufferViews": [{"buffer": 0, "byteOffset": 0, "byteLength": 1}]}
    whole = some({"bitstream": 0}, [NONE], NONE, **bits)
    at = Place(0, 0, 0, 0)
    for data, place, said in (
        (subtree(some(NONE, [NONE], NONE)), at, "root is no tile"),
        (subtree(whole, bytes([0b1]) * 8), Place(4, 0, 0, 0), "the tree ends before"),
        (subtree(some(ALL, [ALL], ALL)), Place(2, 0, 0, 0), "below the level"),
        (subtree(some({"bitstream": 0}, [ALL], NONE, **bits), bytes([1] * 8)), at, "there is no tile"),
        (subtree(some({"bitstream": 0}, [NONE], {"bitstream": 0}, **bits), bytes([1] * 8)), at, "8 bits for 16"),
        (subtree(some({"bitstream": 3}, [NONE], NONE, **bits), bytes(8)), at, "no buffer view"),
        (subtree(whole, bytes(2)), at, "shorter than it says"),
        (subtree(some({}, [NONE], NONE)), at, "neither constant nor bits"),
        (subtree({"tileAvailability": ALL}), at, "childSubtreeAvailability"),
        (subtree(some(ALL, [ALL], NONE))[:30], at, "announces"),
        (b"subt\x02" + bytes(30), at, "version 2"),
        (b"subt", at, "incomplete"),
        (b"nothing", at, "no JSON"),
        (subtree(some({"bitstream": 0, "availableCount": 4}, [NONE], NONE, **bits), bytes([1] * 8)), at, "announced"),
    ):
        with pytest.raises(BadSubtree, match=said):
            read_subtree(data, place, TREE, nothing)
    octree = ImplicitTiling.model_validate({**TREE.model_dump(), "subdivisionScheme": "OCTREE", "subtreeLevels": 20})
    with pytest.raises(BadSubtree, match="more than can be read"):
        read_subtree(subtree(some(ALL, [ALL], NONE)), at, octree, nothing)


def test_a_tree_whose_contents_are_missing_is_refused(tmp_path: Path) -> None:
    tile = {
        "boundingVolume": region(),
        "geometricError": 4,
        "refine": "ADD",
        "content": {"uri": "{level}/{x}/{y}.glb"},
        "implicitTiling": {**TREE.model_dump(include={"subdivisionScheme", "subtreeLevels"}), "availableLevels": 2}
        | {"subtrees": {"uri": "s/{level}/{x}/{y}.subtree"}},
    }
    whole = {"asset": {"version": "1.1"}, "geometricError": 8, "root": tile}
    files: Files = {"tileset.json": whole, "s/0/0/0.subtree": subtree(some(ALL, [ALL], NONE)), "0/0/0.glb": glb()}
    (problem,) = walk(FolderFiles(written(tmp_path / "a", files))).faults.problems()
    assert (problem.code, problem.count) == ("tileset-missing", 4)
    files |= {f"1/{x}/{y}.glb": glb() for x in (0, 1) for y in (0, 1)}
    walked = walk(FolderFiles(written(tmp_path / "b", files)))
    assert not walked.faults
    assert (walked.tiles, dict(walked.files.kinds)) == (5, {"glb": 5})


def test_a_long_chain_of_tiles_and_a_long_one_of_documents(tmp_path: Path) -> None:
    files = mesh_set()
    at = root(files)
    for _ in range(250):
        at["children"] = [{"boundingVolume": at["boundingVolume"], "geometricError": 0}]
        at = at["children"][0]
    assert not walk(FolderFiles(written(tmp_path / "tiles", files))).faults
    files = mesh_set()
    for number in range(80):
        document = copy.deepcopy(mesh_set()["more/inner.json"])
        document["root"]["content"] = {"uri": f"d{number + 1}.json"}
        files[f"more/d{number}.json"] = document
    files["more/d80.json"] = mesh_set()["more/inner.json"]
    files["more/inner.json"]["root"]["content"] = {"uri": "d0.json"}
    (problem,) = walk(FolderFiles(written(tmp_path / "documents", files))).faults.problems()
    assert problem.code == "tileset-depth"
    deep = b'{"root":' + b'{"children":[' * 5000
    assert (
        walk(FolderFiles(written(tmp_path / "deep", {"tileset.json": deep}))).faults.problems()[0].code
        == "tileset-json"
    )


def packed(path: Path, files: Files, folder: str = "", method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            archive.writestr(folder + name, data)
    return path


def test_archives_are_read_where_they_lie(tmp_path: Path) -> None:
    for number, (folder, method) in enumerate((("", 0), ("", 8), ("瓦片/set/", 8))):
        path = packed(tmp_path / f"{number}.3tz", {**mesh_set(), "__MACOSX/x": b""}, folder, method)
        assert Tileset().recognises(b"PK\x03\x04", path)
        with files_of(path) as files:
            walked = walk(files)
            assert not walked.faults
            assert walked.files.kept == set(mesh_set())
    assert not Tileset().recognises(b"PK\x03\x04", packed(tmp_path / "other.zip", {"a.shp": b""}))
    assert root_of(packed(tmp_path / "two.zip", {**mesh_set()}, "a/")) == "a"
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04" + bytes(100))
    assert not Tileset().recognises(b"PK\x03\x04", broken)


def test_archives_that_would_burst_are_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "bomb.zip", {**mesh_set(), "tiles/whole.b3dm": bytes(60 * 1024**2)})
    with pytest.raises(ImportRefused, match="would unpack"), files_of(path):
        pass


def test_a_document_alone_is_told_to_bring_its_folder(tmp_path: Path) -> None:
    path = written(tmp_path, mesh_set()) / "tileset.json"
    with pytest.raises(ImportRefused) as refused:
        Tileset().inspect(path, ReadOptions())
    assert refused.value.code == "tileset-alone"


def test_where_a_set_stands(tmp_path: Path) -> None:
    geocentric = FolderFiles(written(tmp_path / "a", mesh_set()))
    own = FolderFiles(written(tmp_path / "b", mesh_set(placed=False)))
    regions = mesh_set()
    root(regions)["boundingVolume"] = region(high=1000.0, size=0.01)
    fixed = FolderFiles(written(tmp_path / "c", regions))
    place = (104.0, 31.0, 500.0, 90.0)
    for files, options, code in (
        (geocentric, {}, None),
        (geocentric, {"height_datum": "1985"}, None),
        (geocentric, {"height_datum": "local"}, "height-datum"),
        (geocentric, {"height_datum": "EPSG:5736"}, "height-datum"),
        (own, {}, "tileset-place"),
        (own, {"place": place}, None),
        (fixed, {"place": place}, "tileset-place"),
    ):
        found = look(files, ReadOptions(**options))
        assert next((p.code for p in found.standing.problems if p.refuses), None) == code, options
        assert (found.outline is None) == (code is not None)
    found = look(geocentric, ReadOptions())
    west, south, east, north = found.outline.bounds
    assert (east - west) * 111_320 * np.cos(np.radians(30.98)) == pytest.approx(40, abs=0.2)
    assert (north - south) * 110_850 == pytest.approx(40, abs=0.2)
    assert found.heights == pytest.approx((460, 490), abs=0.01)
    levelled = look(own, ReadOptions(place=place))
    assert levelled.heights == pytest.approx((500, 530), abs=0.01)
    assert levelled.standing.stand.height_datum == "EPSG:5737"
    assert levelled.outline.centroid.distance(levelled.outline.centroid.__class__(104.0, 31.0)) < 1e-6
