"""Files of the built viewer as they are handed out: packed for those who take that."""

import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from web.routes import viewer

SCRIPT = b"export const answer = 42;\n" * 200


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncClient:
    """A server of a build with one packed script, one small file, and a secret beside it."""
    assets = tmp_path / "dist" / "assets"
    assets.mkdir(parents=True)
    (assets / "view-1.js").write_bytes(SCRIPT)
    (assets / "view-1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / "decoder.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(viewer, "DIST", tmp_path / "dist")
    app = FastAPI()
    app.include_router(viewer.router)
    return AsyncClient(transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://server")


async def test_who_takes_gzip_gets_the_packed_copy_with_the_type_of_the_file(client: AsyncClient) -> None:
    answer = await client.get("/map/assets/view-1.js", headers={"accept-encoding": "br, gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(SCRIPT) / 10
    assert "javascript" in answer.headers["content-type"]
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.content == SCRIPT


async def test_others_get_the_file_itself(client: AsyncClient) -> None:
    answer = await client.get("/map/assets/view-1.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.content == SCRIPT
    small = await client.get("/map/assets/decoder.wasm", headers={"accept-encoding": "gzip"})
    assert small.headers["content-type"] == "application/wasm"
    assert "content-encoding" not in small.headers


@pytest.mark.parametrize("path", ["../secret.txt", "%2e%2e/secret.txt", "assets/none.js", "assets"])
async def test_nothing_but_files_of_the_build_is_given(client: AsyncClient, path: str) -> None:
    answer = await client.get(f"/map/{path}")
    assert answer.status_code >= 400
    assert "secret" not in answer.text
