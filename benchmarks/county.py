"""The county-size sample for benchmarks: made once in a folder outside the project."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

DEFAULT = Path(tempfile.gettempdir()) / "onemap-cim-county"


def county_folder(given: Path | None) -> Path:
    """The folder of the county sample, generated when it is not there."""
    folder = given or DEFAULT
    if not (folder / "manifest.json").exists():
        subprocess.run([sys.executable, "-m", "data_samples", "--size", "county", "--out", str(folder)], check=True)
    return folder


def layer_file(folder: Path, layer: str) -> Path:
    """The file of a layer as the manifest names it."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    name = next(str(entry["file"]) for entry in manifest["layers"] if entry["layer"] == layer)
    return folder / name


def import_layers(folder: Path, data: Path, layers: list[str]) -> None:
    """Import layers of the sample into a private cluster at ``data``."""
    for layer in layers:
        path = layer_file(folder, layer)
        system = ["--crs", "EPSG:4490"] if path.suffix == ".csv" else []
        subprocess.run(
            [
                sys.executable,
                "-c",
                "from web.cli.main import main; main()",
                "import",
                str(path),
                "--layer",
                layer,
                "--data",
                str(data),
                "--json",
                *system,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
