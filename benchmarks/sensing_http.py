"""Observations over HTTP: single posts and arrays through ``cim up``, and what readers feel of it.

Each round, in this order: readers alone; single posts and arrays of 1 000 observations, from as few connections as
bring the rates that are asked for, beside the readers; the same from many connections, as fast as they can, beside
the readers; and as calibration the bare COPY of as many rows into a table with the same key. Every answer comes after
the commit. wrk sends, one reader asks for a page of ten newest observations twenty times a second; all of it shares the
cores of the machine.
"""

import asyncio
import json
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from benchmarks.machine import spread
from benchmarks.observations import add_datastreams
from benchmarks.serving import key_of, server
from cim.store.database import Database
from cim.store.deployment import open_deployment

DATASTREAMS = 12_000
SECONDS = 6
ASKED, MOST = (6, 1), (32, 4)
"""Connections that post single observations, and that post arrays."""
READS_A_SECOND = 20
STREAMS_IN_ARRAY, VALUES_EACH = 50, 20
COPIED = 100_000
ROOT = "/sensorthings/v1.1"
REACH = {
    "posts_per_s": ">= 400",
    "array_observations_per_s": ">= 30000",
    "asked_posts_readers_of_idle": "<= 2",
    "asked_arrays_readers_of_idle": "<= 2",
}
_SINGLE = """
local n, thread = 0, 0
function setup(t) thread = thread + 1; t:set("me", thread) end
request = function()
  n = n + 1
  local stream = (n * 7 + me * 1301) % STREAMS + 1
  local second = os.date("!%Y-%m-%dT%H:%M:%S", START + math.floor(n / STREAMS))
  local at = second .. string.format(".%03dZ", (n + me * 500) % 1000)
  local body = string.format('{"phenomenonTime":"%s","result":%d.5,"Datastream":{"@iot.id":%d}}', at, n % 100, stream)
  return wrk.format("POST", "ROOT/Observations", HEADERS, body)
end
"""
_ARRAYS = """
local n, thread = 0, 0
function setup(t) thread = thread + 1; t:set("me", thread) end
request = function()
  local parts = {}
  for s = 1, IN_ARRAY do
    local rows = {}
    for v = 1, EACH do
      n = n + 1
      local at = os.date("!%Y-%m-%dT%H:%M:%S", START + math.floor(n / 1000)) .. string.format(".%03dZ", n % 1000)
      rows[v] = string.format('["%s",%d.25]', at, n % 97)
    end
    parts[s] = string.format('{"Datastream":{"@iot.id":%d},"components":["phenomenonTime","result"],"dataArray":[%s]}',
      (n * 3 + s * 17 + me * 5000) % STREAMS + 1, table.concat(rows, ","))
  end
  return wrk.format("POST", "ROOT/CreateObservations", HEADERS, "[" .. table.concat(parts, ",") .. "]")
end
"""
_FEATURES = sa.text(
    "WITH made AS (INSERT INTO sensing.feature (name, encoding_type, feature) VALUES ('the county',"
    ' \'application/geo+json\', \'{"type": "Point", "coordinates": [103.95, 30.99]}\') RETURNING id)'
    " UPDATE sensing.datastream SET feature = made.id FROM made"
)
_DONE = """
done = function(summary)
  io.write(string.format('{"requests":%d,"seconds":%f,"failed":%d}\\n', summary.requests, summary.duration / 1e6,
    summary.errors.status + summary.errors.read + summary.errors.timeout))
end
"""


def measure(county: Path | None, rounds: int) -> dict[str, object]:
    """Fill a data folder with datastreams, serve it, and measure in rounds; the county is not used."""
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = folder / "d"
        url = asyncio.run(_prepare(data))
        with server(data) as (_, port):
            key = key_of(data)
            taken: dict[str, list[float]] = {}
            for number in range(rounds):
                for figure, value in _round(folder, port, key, url, number).items():
                    taken.setdefault(figure, []).append(value)
    return {
        "what": f"{DATASTREAMS} datastreams; arrays of {STREAMS_IN_ARRAY} datastreams with {VALUES_EACH} values each",
        "rounds": rounds,
        **{figure: spread(values) for figure, values in taken.items()},
        "reach": REACH,
    }


async def _prepare(data: Path) -> str:
    """Make the data folder and its datastreams; returns the owner's address of its database."""
    with open_deployment(data) as deployment:
        deployment.migrate()
        logins = deployment.logins
        database = Database(logins.reader_url, logins.writer_url, pool_size=2)
        await add_datastreams(database, DATASTREAMS)
        async with database.writing() as connection:
            await connection.execute(_FEATURES)
        await database.close()
        return sa.make_url(logins.writer_url).set(drivername="postgresql").render_as_string(hide_password=False)


def _round(folder: Path, port: int, key: str, url: str, number: int) -> dict[str, float]:
    with _readers(port, key) as idle:
        time.sleep(SECONDS)
    found = {"readers_idle_p95_s": _p95(idle), "bare_copy_rows_per_s": COPIED / _copied(url)}
    for place, (name, connections) in enumerate((("", MOST), ("asked_", ASKED))):
        start = 1_600_000_000 + (number * 2 + place) * 100_000
        with _readers(port, key) as among_posts:
            posts = _sent(folder, port, key, _SINGLE, connections[0], start)
        with _readers(port, key) as among_arrays:
            arrays = _sent(folder, port, key, _ARRAYS, connections[1], start + 100_000_000)
        found[f"{name}posts_per_s"] = posts
        found[f"{name}array_observations_per_s"] = arrays * STREAMS_IN_ARRAY * VALUES_EACH
        found[f"{name}posts_readers_of_idle"] = _p95(among_posts) / found["readers_idle_p95_s"]
        found[f"{name}arrays_readers_of_idle"] = _p95(among_arrays) / found["readers_idle_p95_s"]
    found["array_of_bare_copy"] = found["array_observations_per_s"] / found["bare_copy_rows_per_s"]
    return found


def _sent(folder: Path, port: int, key: str, script: str, connections: int, start: int) -> float:
    """Good answers a second to what a script sends."""
    headers = f'{{["Content-Type"]="application/json",["Authorization"]="Bearer {key}"}}'
    values = {"STREAMS": DATASTREAMS, "START": start, "ROOT": ROOT, "IN_ARRAY": STREAMS_IN_ARRAY, "EACH": VALUES_EACH}
    for name, value in values.items():
        script = script.replace(name, str(value))
    file = folder / "send.lua"
    file.write_text(script.replace("HEADERS", headers) + _DONE)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--timeout", "20s", "-s", str(file)]
    text = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    told: dict[str, Any] = json.loads(text.splitlines()[-1])
    if told["failed"]:
        raise RuntimeError(f"{told['failed']} of {told['requests']} requests failed")
    return float(told["requests"] / told["seconds"])


@contextmanager
def _readers(port: int, key: str) -> Iterator[list[float]]:
    """Seconds that a page of observations took, asked for steadily while the block runs."""
    times: list[float] = []
    over = threading.Event()

    def read() -> None:
        stream = 0
        while not over.is_set():
            stream = stream % DATASTREAMS + 997
            path = f"{ROOT}/Datastreams({stream % DATASTREAMS + 1})/Observations?$top=10&$orderby=phenomenonTime%20desc"
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
            request.add_header("Authorization", f"Bearer {key}")
            began = time.perf_counter()
            with urllib.request.urlopen(request, timeout=30) as answer:
                answer.read()
            times.append(time.perf_counter() - began)
            over.wait(max(0.0, 1 / READS_A_SECOND - times[-1]))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield times
    finally:
        over.set()
        thread.join()


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _copied(url: str) -> float:
    """Seconds of a COPY of rows as observations are, into a table with their key and nothing more."""
    now = datetime.now(UTC)
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TEMP TABLE bare (at timestamptz, value double precision, stream integer,"
            ' received timestamptz, quality "char", PRIMARY KEY (stream, at)) ON COMMIT DROP'
        )
        began = time.perf_counter()
        with connection.cursor().copy("COPY bare FROM STDIN") as copy:
            for row in range(COPIED):
                copy.write_row((datetime.fromtimestamp(row // 50 + 1e9, UTC), row / 7, row % 50, now, "N"))
        return time.perf_counter() - began
