"""Cameras over HTTP: the policy on every part, what one sees, and streams of good and of bad gateways."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from clones import Clones
from made_city import lonlat, put
from serving import Served, serving

from cim.errors import SettingsError
from cim.store.cluster_logins import Logins
from cim.store.database import Database, run
from cim.store.files import FileStore
from data_samples.test_stream import gateway
from layers.catalog import load_catalog
from web.settings import ServerSettings
from web.video_fetching import Fetcher
from web.video_gateway import configured_gateway

CODE, OTHER, LAME = "51018200001325000001", "51018200001325000002", "51018200001325000003"
PARTS = ("", "/view", "/play", "/stream/index.m3u8", "/stream/1.ts")


async def _fill(logins: Logins, folder: Path) -> None:
    database = Database(logins.reader_url, logins.writer_url, pool_size=4)
    house = {"building_code": "h1", "name": "甲栋", "height_m": 9.0, "floors": 3}
    await put(database, folder, "buildings", [(house, (10.0, 40.0, 20.0, 10.0))])
    facts = {"kind": "bullet", "bearing": 0, "fov": 90, "range_m": 100, "height_m": 6.0, "status": "online"}
    rows = [
        ({"gb_code": CODE, "name": "甲", **facts}, (0.0, 0.0)),
        ({"gb_code": OTHER, "name": "乙", **facts, "kind": "ptz", "status": "offline"}, (90.0, 0.0)),
        ({"gb_code": LAME, "name": "丙", **facts, "bearing": None}, (0.0, 30.0)),
    ]
    await put(database, folder, "cameras", rows)
    await database.close()


@pytest.fixture(scope="module")
def filled(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logins]:
    with clones.made() as logins:
        run(_fill(logins, tmp_path_factory.mktemp("cameras")))
        yield logins


Serve = Callable[[str], Any]


@pytest.fixture
def serve(filled: Logins, files: FileStore) -> Serve:
    """An application with a gateway set, or none."""

    @asynccontextmanager
    async def served(template: str = "") -> AsyncIterator[Served]:
        database = Database(filled.reader_url, filled.writer_url, pool_size=4)
        async with serving(database, load_catalog(), files, ServerSettings(video_gateway=template)) as application:
            application.state.fetcher = Fetcher(seconds=1.0, at_once=2)
            yield application

    return served


@pytest.fixture
def good() -> Iterator[str]:
    """The template of the test stream's gateway."""
    server = gateway()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/live/{{code}}/index.m3u8"
    server.shutdown()
    thread.join()
    server.server_close()


Answer = Callable[[str], bytes | None]
"""The raw bytes a gateway answers a path with; None: it says nothing for long."""


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[tuple[str, list[str]]]:
    """The template of a gateway that answers with given bytes, and the paths that it was asked for."""
    asked: list[str] = []

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.split(" ")[1])
        told = answer(asked[-1])
        if told is None:
            await asyncio.sleep(1.5)
        else:
            writer.write(told)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/live/{{code}}/index.m3u8?secret=1", asked
    finally:
        server.close()


def http(body: bytes, kind: str = "application/vnd.apple.mpegurl", status: str = "200 OK", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def playlist(*lines: str) -> bytes:
    return http("\n".join(["#EXTM3U", "#EXT-X-TARGETDURATION:2", *lines]).encode())


async def test_who_may_not_see_cameras_finds_nothing(serve: Serve, good: str) -> None:
    place = dict(zip(("lon", "lat"), lonlat([(0.0, 50.0)])[0], strict=True))
    async with serve(good) as served:
        for client in (served.anonymous, served.viewer):
            for part in PARTS:
                for code in (CODE, "none"):
                    answer = await client.get(f"/cameras/{code}{part}")
                    assert (answer.status_code, answer.json()["where"]) == (404, "layer"), part
            nearest = await client.get("/cameras", params=place)
            assert nearest.status_code == 404
            assert CODE not in nearest.text
        missing = await served.technician.get("/cameras/none/play")
        assert (missing.status_code, missing.json()["where"]) == (404, "gb_code")
        assert (await served.technician.get("/cameras/a%00b")).status_code == 400
        assert (await served.technician.get("/cameras/" + "9" * 200)).status_code == 400


async def test_regions_and_hidden_fields_hold(logins: Logins, files: FileStore, good: str, tmp_path: Path) -> None:
    await _fill(logins, tmp_path)
    lon, lat = lonlat([(80.0, 10.0)])[0]
    west, east = lonlat([(50.0, 0.0)])[0][0], lonlat([(500.0, 0.0)])[0][0]
    database = Database(logins.reader_url, logins.writer_url, pool_size=4)
    async with database.writing() as connection:
        box = f"ST_MakeEnvelope({west}, 30.0, {east}, 32.0, 4490)"
        await connection.execute(
            sa.text(f"INSERT INTO cim.region (code, level, name, geom) VALUES ('1', 'town', '镇', {box})")
        )
        limited = "UPDATE cim.role_right SET region_code = '1', hidden_fields = '{bearing}' WHERE role = 'technician'"
        await connection.execute(sa.text(f"{limited} AND grade = 'restricted'"))
    async with serving(database, load_catalog(), files, ServerSettings(video_gateway=good)) as served:
        for part in PARTS:
            answer = await served.technician.get(f"/cameras/{CODE}{part}")
            assert (answer.status_code, answer.json()["where"]) == (404, "gb_code"), part
        near = (await served.technician.get("/cameras", params={"lon": lon, "lat": lat})).json()
        own = (await served.technician.get(f"/cameras/{OTHER}")).json()
        blind = await served.technician.get(f"/cameras/{OTHER}/view")
        whole = (await served.administrator.get("/cameras", params={"lon": lon, "lat": lat})).json()
    assert [camera["gb_code"] for camera in near["cameras"]] == [OTHER]
    assert (near["cameras"][0]["state"], near["cameras"][0]["in_view"]) == ("unknown", None)
    assert any("有权查看的区域" in note for note in near["notes"])
    assert ("bearing" in own["properties"], own["sector"], own["reach"]) == (False, None, None)
    assert blind.status_code == 400
    assert len(whole["cameras"]) == 3


async def test_the_record_has_its_sector_and_what_it_can_be_turned_to(serve: Serve) -> None:
    async with serve() as served:
        one = (await served.technician.get(f"/cameras/{CODE}")).json()
        turning = (await served.technician.get(f"/cameras/{OTHER}")).json()
        lame = (await served.technician.get(f"/cameras/{LAME}")).json()
    assert one["sector"]["type"] == "Polygon"
    assert (one["reach"], one["online"], one["unknown"]) == (None, True, "")
    assert {link["rel"] for link in one["links"]} == {"self", "view", "play", "item"}
    assert len(turning["reach"]["coordinates"][0]) > 300
    assert turning["online"] is False
    assert (lame["sector"], "bearing" in lame["unknown"]) == (None, True)


async def test_what_it_sees_and_what_hides_the_rest(serve: Serve) -> None:
    async with serve() as served:
        answer = await served.technician.get(f"/cameras/{CODE}/view")
        wide = (await served.technician.get(f"/cameras/{OTHER}/view", params={"turned": True})).json()
        lame = await served.technician.get(f"/cameras/{LAME}/view")
        wrong = await served.technician.get(f"/cameras/{CODE}/view", params={"target": "tank"})
    assert answer.headers["content-type"] == "application/geo+json"
    view = answer.json()
    kinds = {one["properties"]["kind"]: one["properties"] for one in view["features"]}
    assert set(kinds) == {"seen", "building", "built"}
    assert (kinds["building"]["building"], kinds["building"]["building_fid"]) == ("甲栋", 1)
    sums = view["summary"]
    assert sums["sector_m2"] == pytest.approx(3.14159 * 100**2 / 4, rel=1e-3)
    parts = sums["seen_m2"] + sums["hidden_by_buildings_m2"] + sums["hidden_by_terrain_m2"] + sums["built_m2"]
    assert parts == pytest.approx(sums["sector_m2"], abs=0.1)
    assert any("平地" in note for note in view["notes"])
    assert wide["summary"]["sector_m2"] == pytest.approx(3.14159 * 100**2, rel=1e-3)
    assert (lame.status_code, "bearing" in lame.text) == (400, True)
    assert wrong.status_code == 400


async def test_cameras_around_a_place_with_whether_they_see_it(serve: Serve) -> None:
    lon, lat = lonlat([(20.0, 60.0)])[0]
    async with serve() as served:
        found = (await served.technician.get("/cameras", params={"lon": lon, "lat": lat})).json()
        one = (await served.technician.get("/cameras", params={"lon": lon, "lat": lat, "most": 1})).json()
        swapped = await served.technician.get("/cameras", params={"lon": lat, "lat": lon})
        many = await served.technician.get("/cameras", params={"lon": lon, "lat": lat, "most": 5_000})
    states = {camera["gb_code"]: camera["state"] for camera in found["cameras"]}
    assert states == {LAME: "unknown", CODE: "building", OTHER: "turned"}
    assert [camera["distance_m"] for camera in found["cameras"]] == sorted(c["distance_m"] for c in found["cameras"])
    assert found["cameras"][1]["hidden_by"] == {"fid": 1, "name": "甲栋"}
    assert next(c for c in found["cameras"] if c["gb_code"] == OTHER)["online"] is False
    assert len(one["cameras"]) == 1
    assert (swapped.status_code, many.status_code) == (400, 400)


async def test_without_a_gateway_the_answer_says_so(serve: Serve) -> None:
    async with serve() as served:
        for part in ("/play", "/stream/index.m3u8"):
            answer = await served.technician.get(f"/cameras/{CODE}{part}", headers={"Accept-Language": "zh"})
            assert (answer.status_code, answer.json()["where"]) == (404, "CIM_VIDEO_GATEWAY")
            assert answer.json()["detail"] == "未配置视频网关"


async def test_a_stream_plays_through_our_own_origin(serve: Serve, good: str) -> None:
    async with serve(good) as served:
        told = (await served.technician.get(f"/cameras/{CODE}/play")).json()
        assert (told["path"], told["online"]) == (f"/cameras/{CODE}/stream/index.m3u8", True)
        listed = await served.technician.get(told["path"])
        assert listed.headers["content-type"] == "application/vnd.apple.mpegurl"
        assert listed.headers["cache-control"] == "no-store"
        segments = [line for line in listed.text.splitlines() if not line.startswith("#")]
        assert len(segments) == 4
        assert "127.0.0.1" not in listed.text
        part = await served.technician.get(f"/cameras/{CODE}/stream/{segments[-1]}")
        assert (part.status_code, part.headers["content-type"], part.content[:1]) == (200, "video/mp2t", b"G")
        gone = await served.technician.get(f"/cameras/{CODE}/stream/1.ts")
        assert (gone.status_code, gone.json()["where"]) == (404, "gb_code")


STRANGE = [
    f"../{OTHER}/index.m3u8",
    f"%2e%2e/{OTHER}/index.m3u8",
    f"..%2f{OTHER}%2findex.m3u8",
    "a/../../x.ts",
    "a//b.ts",
    "%5c..%5cx.ts",
    ".hidden.ts",
    "x%00.ts",
    "x%0d%0aHost:%20evil.ts",
    "x%3fy.ts",
    "index.html",
    "index",
    "a" * 400 + ".ts",
    "1.ts?a=%0d%0a&b=" + "c" * 2_000,
    "http://127.0.0.1:1/x.ts",
]


async def test_nothing_but_the_cameras_own_stream_is_asked_for(serve: Serve) -> None:
    segment = http(b"G" + bytes(187), "video/mp2t")
    async with answering(lambda _: segment) as (template, asked), serve(template) as served:
        for path in STRANGE:
            answer = await served.technician.get(httpx.URL(f"http://test/cameras/{CODE}/stream/{path}"))
            assert answer.status_code == 404, path
        assert asked == []


BAD: dict[str, tuple[bytes, int]] = {
    "a page": (http(b"<!doctype html><title>login</title>", "text/html"), 502),
    "a page that says it is a playlist": (http(b"<html></html>"), 502),
    "not text": (http(b"\xff\xfe\x00#EXTM3U"), 502),
    "another host": (playlist("#EXTINF:2,", "http://198.51.100.7/1.ts"), 502),
    "another host by slashes": (playlist("#EXTINF:2,", "//198.51.100.7/live/1.ts"), 502),
    "another scheme": (playlist("#EXTINF:2,", "file:///etc/passwd.ts"), 502),
    "another camera": (playlist("#EXTINF:2,", f"../{OTHER}/1.ts"), 502),
    "a key of another host": (playlist('#EXT-X-KEY:METHOD=AES-128,URI="https://198.51.100.7/k.key"', "1.ts"), 502),
    "data": (playlist('#EXT-X-MAP:URI="data:video/mp4;base64,AAAA"', "1.m4s"), 502),
    "a script": (playlist("#EXTINF:2,", "1.js"), 502),
    "a redirect": (http(b"", status="302 Found", more="Location: http://198.51.100.7/\r\n"), 502),
    "an error": (http(b"no", status="500 Oops"), 502),
    "nothing there": (http(b"", status="404 Not Found"), 404),
    "no HTTP": (b"RTSP/1.0 400 Bad Request\r\n\r\n", 502),
    "too much": (http(b"#EXTM3U\n" + b"#" * 300_000), 502),
    "less than said": (http(b"#EXTM3U\n")[:-4], 502),
    "headers without end": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, 502),
}


async def test_a_bad_gateway_is_told_and_nothing_of_it_passes(serve: Serve) -> None:
    said = [b""]
    headers = {"Accept-Language": "zh"}
    async with answering(lambda _: said[0]) as (template, asked), serve(template) as served:
        for kind, (body, status) in BAD.items():
            said[0] = body
            asked.clear()
            answer = await served.technician.get(f"/cameras/{CODE}/stream/index.m3u8", headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), kind
            assert "视频网关" in answer.json()["detail"], kind
            assert "198.51.100.7" not in answer.text, kind
            assert asked == [f"/live/{CODE}/index.m3u8?secret=1"], kind


async def test_addresses_in_playlists_become_relative(serve: Serve) -> None:
    lines = (
        '#EXT-X-MAP:URI="init.mp4"',
        '#EXT-X-KEY:METHOD=AES-128,URI="/live/CODE/k.key?t=1",IV=0x1',
        "#EXTINF:2,x",
        "HOST/live/CODE/a/1.m4s?token=x%20y",
        "",
        "a/2.m4s",
    )
    bodies: dict[str, bytes] = {}
    async with answering(lambda path: bodies.get(path.partition("?")[0])) as (template, asked):
        host = template.partition("/live")[0]
        told = [line.replace("CODE", CODE).replace("HOST", host) for line in lines]
        bodies[f"/live/{CODE}/index.m3u8"] = playlist(*told)
        bodies[f"/live/{CODE}/a/1.m4s"] = http(bytes(4) + b"moof" + bytes(9), "text/plain")
        async with serve(template) as served:
            listed = await served.technician.get(f"/cameras/{CODE}/stream/index.m3u8")
            part = await served.technician.get(f"/cameras/{CODE}/stream/a/1.m4s?token=x%20y")
        assert listed.text.splitlines()[2:] == [
            '#EXT-X-MAP:URI="init.mp4"',
            '#EXT-X-KEY:METHOD=AES-128,URI="k.key?t=1",IV=0x1',
            "#EXTINF:2,x",
            "a/1.m4s?token=x%20y",
            "",
            "a/2.m4s",
        ]
        assert asked[-1] == f"/live/{CODE}/a/1.m4s?token=x%20y"
        assert (part.headers["content-type"], part.headers["x-content-type-options"]) == (
            "video/iso.segment",
            "nosniff",
        )


async def test_a_page_in_the_place_of_a_segment_is_refused(serve: Serve) -> None:
    async with (
        answering(lambda _: http(b"<script>alert(1)</script>", "text/html")) as (template, _),
        serve(template) as s,
    ):
        for name in ("1.ts", "1.m4s", "1.aac", "1.key"):
            answer = await s.technician.get(f"/cameras/{CODE}/stream/{name}")
            assert (answer.status_code, "script" in answer.text) == (502, False), name


async def test_a_slow_gateway_is_given_up_and_few_are_waited_for(serve: Serve) -> None:
    async with answering(lambda _: None) as (template, _), serve(template) as served:
        asking = [served.technician.get(f"/cameras/{CODE}/stream/index.m3u8") for _ in range(4)]
        answers = await asyncio.wait_for(asyncio.gather(*asking), 4)
        assert sorted(answer.status_code for answer in answers) == [502, 502, 503, 503]
        assert any("too slow" in answer.text for answer in answers)
    dead = ThreadingHTTPServer(("127.0.0.1", 0), None)  # type: ignore[arg-type]
    port = dead.server_port
    dead.server_close()
    async with serve(f"http://127.0.0.1:{port}/{{code}}.m3u8") as served:
        answer = await served.technician.get(f"/cameras/{CODE}/stream/{CODE}.m3u8")
        assert (answer.status_code, "cannot be reached" in answer.text) == (502, True)


async def test_streams_whose_files_lie_in_one_folder_are_told_apart_by_their_code() -> None:
    found = configured_gateway("https://gw.example/hls/{code}.m3u8")
    assert found is not None
    stream = found.stream(CODE)
    assert stream.at(f"{CODE}.m3u8").address == f"https://gw.example/hls/{CODE}.m3u8"
    assert stream.at(f"{CODE}-7.ts").address == f"https://gw.example/hls/{CODE}-7.ts"
    for name in (f"{OTHER}.m3u8", f"{CODE}1-7.ts", "x.ts"):
        with pytest.raises(Exception, match="nothing of this name"):
            stream.at(name)


@pytest.mark.parametrize(
    "template",
    [
        "gw.example/{code}.m3u8",
        "ftp://gw.example/{code}.m3u8",
        "https://gw.example/index.m3u8",
        "https://{code}.example/{code}.m3u8",
        "https://gw.example/{code}/{code}.m3u8",
        "https://gw.example/{code}/index.html",
        "https://user:secret@gw.example/{code}.m3u8",
        "https://gw.example:port/{code}.m3u8",
        "https:///{code}.m3u8",
        "https://gw.example/{code}.m3u8#x",
    ],
)
def test_a_template_that_cannot_be_used_is_refused_at_the_start(template: str) -> None:
    with pytest.raises(SettingsError) as refused:
        configured_gateway(template)
    assert refused.value.where == "CIM_VIDEO_GATEWAY"
    assert "secret" not in str(refused.value)
