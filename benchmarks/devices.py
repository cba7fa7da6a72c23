"""Twelve thousand devices on one map: the newest value of each, a page that asks for much, their tree, one hour of all.

``cim up`` serves a data folder with the devices, two thirds of them public. Each round asks for one of each, as a
logged-in reader and, for the newest values, as a stranger; as calibration it reads the same newest values by bare SQL.
"""

import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

import psycopg
import sqlalchemy as sa

from benchmarks.machine import spread
from benchmarks.serving import key_of, server
from cim.store.deployment import open_deployment

DEVICES, PROPERTIES = 12_000, 3
REACH = {"latest_ms": "< 150", "latest_anonymous_ms": "< 150"}
PAGES = {
    "latest_ms": ("/devices/latest", {"property": "p2"}),
    "page_ms": ("/devices", {"state": "online", "property": "p1", "value>": "50", "limit": "100"}),
    "directory_ms": ("/devices/directory", {}),
    "values_ms": ("/devices/values", {"property": "p1", "at": "{hour}"}),
}
_ASSETS = """
INSERT INTO cim.asset (code, kind, name, grade, placement, owner, geom, region_code)
SELECT 'D' || lpad(n::text, 6, '0'), 'air', 'device ' || n, CASE WHEN n %% 3 = 0 THEN 'internal' ELSE 'public' END,
    'ecology', 'owner ' || n %% 20, ST_SetSRID(ST_MakePoint(103.8 + n %% 400 * 1e-3, 30.9 + n / 400 * 1e-2), 4490),
    '510182' || lpad((n %% 20)::text, 3, '0') || '001' FROM generate_series(1, %(devices)s) n
"""
_STREAMS = """
SELECT sensing.make_months(ARRAY[date_trunc('month', now() - interval '1 hour')::date]);
INSERT INTO sensing.thing (name, asset, reach) SELECT name, code, reach FROM cim.asset;
INSERT INTO sensing.sensor (name, encoding_type, metadata) VALUES ('probe', 'text/plain', '"none"');
INSERT INTO sensing.datastream (name, thing, sensor, observed_property, observation_type, unit, reach)
SELECT 'stream', t.id, s.id, p.id, 'urn:m', '{"symbol": "1"}', t.reach
FROM sensing.thing t, sensing.sensor s, sensing.observed_property p;
INSERT INTO sensing.latest (datastream_id, at, value, received_at, first_at, quality)
SELECT id, now() - id % 5000 * interval '1 second', id % 100, now(), now() - interval '1 day', 'N'
FROM sensing.datastream;
INSERT INTO sensing.hourly (datastream_id, hour, count, total, squares, least, greatest, flagged, others)
SELECT id, date_trunc('hour', now()) - interval '1 hour', 12, 12 * (id % 100), 12 * (id % 100) ^ 2, id % 100, id % 100,
    0, 0 FROM sensing.datastream;
ANALYZE cim.asset, sensing.thing, sensing.datastream, sensing.latest, sensing.hourly
"""
_PROPERTIES = """
INSERT INTO sensing.observed_property (name, code, definition)
SELECT 'p' || n, 'p' || n, 'urn:p' || n FROM generate_series(1, %(properties)s) n
"""
_BARE = """
SELECT a.code, ST_X(a.geom), ST_Y(a.geom), l.at, l.value FROM cim.asset a JOIN sensing.thing t ON t.asset = a.code
JOIN sensing.datastream d ON d.thing = t.id JOIN sensing.observed_property p ON p.id = d.observed_property
JOIN sensing.latest l ON l.datastream_id = d.id WHERE p.code = 'p2' ORDER BY a.code
"""


def measure(county: Path | None, rounds: int) -> dict[str, object]:
    """Fill a data folder with devices, serve it, and measure in rounds; the county is not used."""
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        data = folder / "d"
        url = _prepare(data)
        taken: dict[str, list[float]] = {}
        with server(data) as (_, port):
            key = key_of(data)
            for _number in range(rounds + 1):
                for figure, value in _round(port, key, url).items():
                    taken.setdefault(figure, []).append(value)
    return {
        "what": f"{DEVICES} devices with {PROPERTIES} datastreams each; the first round only warms up",
        "rounds": rounds,
        **{figure: spread(values[1:]) for figure, values in taken.items()},
        "reach": REACH,
    }


def _prepare(data: Path) -> str:
    """Make the data folder and its devices; returns the owner's address of its database."""
    with open_deployment(data) as deployment:
        deployment.migrate()
        owner = sa.make_url(deployment.logins.owner_url).set(drivername="postgresql")
        url = owner.render_as_string(hide_password=False)
        with psycopg.connect(url) as connection:
            connection.execute(_PROPERTIES, {"properties": PROPERTIES})
            connection.execute(_ASSETS, {"devices": DEVICES})
            connection.execute(_STREAMS)
    return url


def _round(port: int, key: str, url: str) -> dict[str, float]:
    hour = time.strftime("%Y-%m-%dT%H:00:00Z", time.gmtime(time.time() - 3600))
    found = {}
    for figure, (path, asked) in PAGES.items():
        query = urllib.parse.urlencode({name: text.format(hour=hour) for name, text in asked.items()})
        found[figure] = _asked(port, f"{path}?{query}", key)
    found["latest_anonymous_ms"] = _asked(port, "/devices/latest?property=p2", None)
    with psycopg.connect(url) as connection:
        began = time.perf_counter()
        rows = connection.execute(_BARE).fetchall()
        found["bare_latest_ms"] = (time.perf_counter() - began) * 1000
    assert len(rows) == DEVICES
    return found


def _asked(port: int, path: str, key: str | None) -> float:
    """Milliseconds until a whole answer is here."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if key is not None:
        request.add_header("Authorization", f"Bearer {key}")
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()
    return (time.perf_counter() - began) * 1000
