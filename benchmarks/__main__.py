"""python -m benchmarks [NAME ...]: run benchmarks and write benchmarks/results/NAME.json."""

import argparse
import importlib
import json
import sys
from pathlib import Path

from benchmarks.machine import machine

NAMES = (
    "bim_queries",
    "city_models",
    "compliance_review",
    "devices",
    "flood",
    "geocoder",
    "ifc_reading",
    "incident_picture",
    "model_tiles",
    "mqtt_intake",
    "observations",
    "import_buildings",
    "import_memory",
    "import_parcels",
    "import_raster",
    "quality_faults",
    "raster_tiles",
    "real_files",
    "restore_county",
    "routing",
    "scene_flight",
    "scene_tiles",
    "sensing_http",
    "tile_peers",
    "tiles_warm",
    "worst_tiles",
    "tiles_cold",
    "edit_visible",
    "overload",
    "group_statistics",
    "warnings",
)
OWN_OPTIONS = {
    "bim_queries": ("data",),
    "compliance_review": ("data",),
    "incident_picture": ("data",),
    "import_memory": ("rows", "formats"),
    "observations": ("observations",),
    "routing": ("data",),
    "scene_flight": ("data", "soak"),
    "scene_tiles": ("data",),
    "tile_peers": ("data",),
    "tiles_warm": ("data",),
    "worst_tiles": ("data",),
    "tiles_cold": ("data",),
    "edit_visible": ("data",),
    "overload": ("data", "soak"),
    "group_statistics": ("data",),
}
"""Options that only some benchmarks have."""
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Run the named benchmarks, all of them when none is named."""
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--county", type=Path, default=None, help="folder of the county-size sample; made when absent")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=5_000_000, help="features of each file of import_memory")
    parser.add_argument("--formats", nargs="*", default=(), help="formats of import_memory; all when none is named")
    parser.add_argument("--data", type=Path, default=None, help="data folder with the county's buildings, for tiles")
    parser.add_argument("--soak", type=int, default=0, help="minutes of load that overload adds, of scene_flight")
    parser.add_argument("--observations", type=int, default=20, help="millions in the large database of observations")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(NAMES))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(NAMES)}")
    RESULTS.mkdir(exist_ok=True)
    for name in given.names or NAMES:
        module = importlib.import_module(f"benchmarks.{name}")
        own = {option: getattr(given, option) for option in OWN_OPTIONS.get(name, ())}
        result = {"benchmark": name, "machine": machine(), **module.measure(given.county, given.rounds, **own)}
        path = RESULTS / f"{name}.json"
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
        print(json.dumps(result, indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
