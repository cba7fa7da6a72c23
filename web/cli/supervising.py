"""Running several programs as one: those that end are started again, and all end together."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

STOP_S = 10.0
RESTART_AFTER_S = 0.5
_LOOK_EVERY_S = 0.2
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Program:
    """A program to keep running.

    ``setup`` is given on its standard input, which then stays open: at its end the program knows that we are gone.
    ``descriptors`` are inherited; ``ended`` is called with the process id of each run that is over.
    """

    name: str
    command: Sequence[str]
    setup: bytes = b""
    descriptors: Sequence[int] = ()
    environment: dict[str, str] | None = None
    ended: Callable[[int], None] = field(default=lambda _: None)


class Supervisor:
    """Keeps programs running until a signal to stop."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._programs = programs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._again_at: dict[str, float] = {}
        self._stopping = False

    def run(self) -> None:
        """Start all, watch them, and stop them when told to by SIGTERM or SIGINT."""
        with self._told_to_stop():
            try:
                while not self._stopping:
                    for program in self._programs:
                        self._look_after(program)
                    time.sleep(_LOOK_EVERY_S)
            finally:
                self._stop()

    @contextmanager
    def _told_to_stop(self) -> Iterator[None]:
        def stop(_number: int, _frame: object) -> None:
            self._stopping = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _look_after(self, program: Program) -> None:
        process = self._running.get(program.name)
        if process is None:
            if time.monotonic() >= self._again_at.get(program.name, 0.0):
                self._running[program.name] = _start(program)
            return
        if process.poll() is None:
            return
        _log.warning("a process ended and is started again", program=program.name, status=process.returncode)
        program.ended(process.pid)
        _close(process)
        del self._running[program.name]
        self._again_at[program.name] = time.monotonic() + RESTART_AFTER_S

    def _stop(self) -> None:
        for process in self._running.values():
            process.terminate()
        deadline = time.monotonic() + STOP_S
        for process in self._running.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            _close(process)


def _start(program: Program) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        program.command,
        stdin=subprocess.PIPE,
        pass_fds=program.descriptors,
        env=program.environment,
        start_new_session=True,
    )
    if process.stdin is not None and program.setup:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(program.setup)
            process.stdin.flush()
    return process


def _close(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
