"""A tab of Chromium that is watched as little as can be: Playwright has it keep what every request was answered."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

FLAGS = (
    "--headless --no-sandbox --use-angle=swiftshader --enable-unsafe-swiftshader --ignore-gpu-blocklist"
    " --disable-dev-shm-usage --disable-background-networking --disable-component-update --disable-sync --no-first-run"
    " --remote-debugging-pipe"
)
COMMANDS, ANSWERS = 3, 4
"""The descriptors that Chromium reads commands from and writes answers to."""


class Tab:
    """One tab, told what to do by the DevTools protocol over a pipe; only what a caller enables is enabled."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._number, self._session, self._rest = 0, "", b""

    def open(self) -> None:
        """Open the tab."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def send(self, method: str, **given: Any) -> Any:
        """Have something done and return its result; RuntimeError with what the browser says where it cannot be."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": given}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page, awaited where it is a promise; RuntimeError where it throws."""
        told = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"].get("exception", {}).get("description", expression))
        return told["result"].get("value")

    def wait_for(self, expression: str, seconds: float = 120) -> None:
        """Wait until an expression holds; TimeoutError where it does not in time."""
        until = time.monotonic() + seconds
        while not self.evaluate(expression):
            if time.monotonic() > until:
                raise TimeoutError(expression)
            time.sleep(0.2)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._answers, 1 << 20)
            if not part:
                raise RuntimeError("the browser has gone")
            self._rest += part
        text, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(text)
        return answer


@contextlib.contextmanager
def opened_tab(width: int, height: int) -> Iterator[Tab]:
    """A tab of a browser of its own while the block runs."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise RuntimeError("Chromium is needed: apt install chromium")
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp", ignore_cleanup_errors=True) as profile:
        words = [chromium, *FLAGS.split(), f"--window-size={width},{height}", f"--user-data-dir={profile}"]
        script = f'exec "$@" {COMMANDS}<&{theirs_in} {ANSWERS}>&{theirs_out}'
        process = subprocess.Popen(
            ["bash", "-c", script, "chromium", *words], pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            tab = Tab(ours_out, ours_in)
            tab.open()
            yield tab
        finally:
            process.terminate()
            process.wait()
            os.close(ours_out)
            os.close(ours_in)
