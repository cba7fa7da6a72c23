"""Memory of a browser in which the 3D view of the sample city is flown about, minute by minute."""

import json
import os
import random
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import children, proportional_mb
from benchmarks.serving import CIM, server
from benchmarks.tab import Tab, opened_tab

SAMPLE = Path(__file__).parents[1] / "data_samples" / "small"
UNDULATION_M = -39.5
SEAT = (103.9455, 30.9865)
SPREAD_DEG = 0.06
MINUTES = 60
STOP_S = 2.0
GROWN = 1.05
"""What memory may grow by from the third quarter to the last; before that the caches of tiles and terrain fill."""
NAME, PASSWORD = "flyer", "of the benchmark alone"


def measure(county: Path | None, rounds: int, data: Path | None = None, soak: int = 0) -> dict[str, object]:
    """Fly for ``soak`` minutes, an hour when it is 0, over the sample in ``data``, imported when none is given."""
    os.environ.setdefault("CIM_UNDULATION_M", str(UNDULATION_M))
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        place = data or Path(name) / "d"
        with server(place, "--import-samples", str(SAMPLE)) as (_, port):
            _add_user(place)
            samples = _flight(f"http://127.0.0.1:{port}", (soak or MINUTES) * 60)
    return {"what": f"the 3D view flown about for {len(samples)} minutes, memory each minute", **judged(samples)}


def judged(samples: list[dict[str, float]]) -> dict[str, object]:
    """How memory went: the last quarter beside the one before it, which decides, and beside the first."""
    part = max(1, len(samples) // 4)
    first, third, last = samples[:part], samples[-2 * part : -part] or samples[:part], samples[-part:]
    names = ("page_mb", "graphics_mb")
    by_third = {name: round(_mean(last, name) / max(1e-9, _mean(third, name)), 3) for name in names}
    return {
        "samples": samples,
        "last_quarter_by_third": by_third,
        "last_quarter_by_first": {name: round(_mean(last, name) / max(1e-9, _mean(first, name)), 3) for name in names},
        "tiles_failed": samples[-1]["tiles_failed"],
        "reach": f"memory flat: at most {GROWN:g} of the third quarter's",
        "reached": all(share <= GROWN for share in by_third.values()) and samples[-1]["tiles_failed"] == 0,
    }


def _add_user(data: Path) -> None:
    words = ["user", "add", NAME, "--role", "administrator", "--password-stdin", "--data", str(data)]
    told = subprocess.run([*CIM, *words], input=PASSWORD, capture_output=True, text=True, check=False)
    if told.returncode and "already" not in told.stderr:
        raise RuntimeError(told.stderr)


def _flight(address: str, seconds: float) -> list[dict[str, float]]:
    with opened_tab(800, 500) as tab:
        tab.send("Page.navigate", url=f"{address}/healthz")
        tab.wait_for("document.readyState === 'complete'")
        body = json.dumps({"name": NAME, "password": PASSWORD})
        asked = f"{{method: 'POST', headers: {{'content-type': 'application/json'}}, body: {json.dumps(body)}}}"
        assert tab.evaluate(f"fetch('/session', {asked}).then(answer => answer.ok)")
        tab.send("Page.navigate", url=f"{address}/map#quality=low&view=15/{SEAT[1]}/{SEAT[0]}&3d=on")
        tab.wait_for("document.body?.dataset.scene === 'open'")
        tab.send("Performance.enable")
        samples, dice = [], random.Random(7)
        begun = asked_at = time.monotonic()
        while time.monotonic() - begun < seconds:
            tab.evaluate(f"void window.onemapScene.lookAt(...{json.dumps(_somewhere(dice))})")
            time.sleep(STOP_S)
            if time.monotonic() - asked_at >= 60:
                asked_at = time.monotonic()
                samples.append(_sample(tab))
    return samples


def _somewhere(dice: random.Random) -> list[float]:
    """Longitude, latitude, range, heading and pitch of a place in or around the seat."""
    lon, lat = (middle + dice.uniform(-SPREAD_DEG, SPREAD_DEG) for middle in SEAT)
    return [lon, lat, dice.choice([300.0, 900.0, 3_000.0, 12_000.0]), dice.uniform(0, 360), dice.uniform(-80, -20)]


def _sample(tab: Tab) -> dict[str, float]:
    tab.send("HeapProfiler.collectGarbage")
    figures: list[dict[str, Any]] = tab.send("Performance.getMetrics")["metrics"]
    heap = next(one["value"] for one in figures if one["name"] == "JSHeapUsedSize")
    statistics = tab.evaluate("window.onemapScene.statistics")
    return {
        "heap_mb": round(heap / 1e6, 1),
        "tilesets_mb": round(statistics["memoryBytes"] / 1e6, 1),
        "page_mb": round(_memory_mb("renderer")),
        "graphics_mb": round(_memory_mb("gpu-process")),
        "tiles_failed": statistics["tilesFailed"],
    }


def _memory_mb(kind: str) -> float:
    """The memory of our browser's processes of a kind; what it keeps of the network is in another's."""
    return sum(proportional_mb(pid) for pid in children(os.getpid()) if f"--type={kind}" in _command(pid))


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _mean(samples: list[dict[str, float]], name: str) -> float:
    return sum(one[name] for one in samples) / len(samples)
