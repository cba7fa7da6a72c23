"""Running one of the OGC's suites against an address, each in a Java of its own with bounded memory and time."""

import html
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

from conformance.environment import ENGINE, Suite, require
from conformance.reports import Outcome, ctl_outcomes, testng_outcomes
from conformance.schemas import schema_proxy

TIME_LIMIT_S = 1_500
_SCRIPTS = "com/occamlab/te/scripts/"


def run_suite(suite: Suite, arguments: Mapping[str, str], folder: Path) -> list[Outcome]:
    """Run a suite with its arguments and give the outcome of every test; its own reports stay in the folder.

    Raises SuiteAbsent where it is not installed, RuntimeError with the end of its output where it gave no results.
    """
    require(suite)
    folder.mkdir(parents=True, exist_ok=True)
    with schema_proxy(ENGINE / "lib") as port:
        java = ["nice", "-n", "15", "java", "-Xmx1g", "-Djava.awt.headless=true", f"-Djava.io.tmpdir={folder}"]
        java += ["-Dhttp.proxyHost=127.0.0.1", f"-Dhttp.proxyPort={port}", "-Dhttp.nonProxyHosts=127.0.0.1|localhost"]
        java += [f"-DTE_BASE={folder / 'te'}", f"-Duser.home={folder}", "-cp", suite.classpath()]
        prepared = _engine_arguments if suite.scripted else _testng_arguments
        command = [*java, *prepared(suite, arguments, folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False, cwd=folder)
    (folder / "output.txt").write_text(done.stdout + done.stderr, "utf-8")
    outcomes = _outcomes(suite, folder)
    if not outcomes:
        raise RuntimeError(f"{suite.title} gave no results: {(done.stdout + done.stderr)[-2000:]}")
    return outcomes


def _outcomes(suite: Suite, folder: Path) -> list[Outcome]:
    if suite.scripted:
        return ctl_outcomes(folder / "session")
    return [outcome for file in folder.glob("testng/*/testng-results.xml") for outcome in testng_outcomes(file)]


def _testng_arguments(suite: Suite, arguments: Mapping[str, str], folder: Path) -> list[str]:
    entries = "".join(f'<entry key="{key}">{html.escape(value)}</entry>' for key, value in arguments.items())
    file = folder / "arguments.xml"
    file.write_text(f'<?xml version="1.0"?><properties version="1.0">{entries}</properties>', "utf-8")
    shutil.rmtree(folder / "testng", ignore_errors=True)
    return [suite.entry, *(["-o", str(folder)] if suite.directed else []), str(file)]


def _engine_arguments(suite: Suite, arguments: Mapping[str, str], folder: Path) -> list[str]:
    shutil.rmtree(folder / "session", ignore_errors=True)
    scripts = folder / "te" / "scripts"
    script = shutil.copytree(suite.script().parent, scripts / suite.id, dirs_exist_ok=True) / suite.entry
    for schemas in suite.folder.glob("**/xsd"):
        shutil.copytree(schemas, folder / "xsd", dirs_exist_ok=True)
    sources = [script, *_engine_scripts(scripts)]
    words = ["com.occamlab.te.Test", *(f"-source={source}" for source in sources)]
    words += [f"-logdir={folder}", "-session=session", f"-test={suite.test}"]
    return [*words, *(f"@{key}={value}" for key, value in arguments.items() if value)]


def _engine_scripts(folder: Path) -> list[Path]:
    """The functions and parsers that suites use, unpacked from the engine's archive."""
    (archive,) = ENGINE.glob("lib/teamengine-resources-*.jar")
    with zipfile.ZipFile(archive) as held:
        names = [name for name in held.namelist() if name.startswith(_SCRIPTS) and name.endswith(".ctl")]
        for name in names:
            (folder / Path(name).name).write_bytes(held.read(name))
    return [folder / Path(name).name for name in sorted(names)]
