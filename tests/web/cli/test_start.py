"""How the console script starts: what it needs is not loaded again by every process that works for it."""

import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[3]
SCRIPT = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from {module} import {function}
if __name__ == "__main__":
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        print(pool.submit(eval, "'fastapi' in __import__('sys').modules").result())
"""


def test_processes_that_work_for_the_script_do_not_load_the_application(tmp_path: Path) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    module, function = project["scripts"]["cim"].split(":")
    script = tmp_path / "cim"
    script.write_text(SCRIPT.format(module=module, function=function), "utf-8")
    told = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=PROJECT, check=False)
    assert (told.stdout.strip(), told.stderr) == ("False", "")


def test_the_module_is_the_script() -> None:
    command = [sys.executable, "-m", "web.cli", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)
    assert (told.returncode, "Usage" in told.stdout) == (0, True)
