"""Worker processes that can crash or hang: what one of them dies of is left out, the rest goes on."""

import multiprocessing
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from cim.model.bim import Defect
from importers.bim.ifc_jobs import FAST, LOST, Job
from importers.bim.ifc_worker import Sent, Work, work
from importers.bim.memory_share import shares
from importers.bim.records import row_of

GROUP_LIMIT_S = 60.0
"""The time one shape may take by one kernel, with the reading of its objects."""
WORKERS_LIMIT = 4
_PATIENCE_S = 1.0


@dataclass(slots=True)
class _Worker:
    """A process and what it is at: ``done`` groups have come whole, ``begun`` is the one it works on."""

    process: BaseProcess
    connection: Connection
    job: Job
    done: int = 0
    begun: int | None = None
    since: float = 0.0


def worker_count() -> int:
    """How many processes work on one model: one a core, at most four."""
    return min(WORKERS_LIMIT, max(1, len(os.sched_getaffinity(0))))


def read_jobs(shared: Work, jobs: Sequence[Job], workers: int) -> Iterator[Sent]:
    """Rows of all jobs as they come; what kills two workers comes without its shape, what kills a third not at all."""
    pool = _Pool(shared, deque(jobs), workers)
    try:
        yield from pool.rows()
    finally:
        pool.close()


class _Pool:
    def __init__(self, shared: Work, waiting: deque[Job], workers: int) -> None:
        self._shared = shared
        self._waiting = waiting
        self._limit, self._own_bytes = shares(workers)
        self._busy: list[_Worker] = []
        self._fork = multiprocessing.get_context("fork")

    def rows(self) -> Iterator[Sent]:
        """What the workers send, until all jobs are done."""
        while self._waiting or self._busy:
            while self._waiting and len(self._busy) < self._limit:
                self._busy.append(self._started(self._waiting.popleft()))
            ready = wait([worker.connection for worker in self._busy], timeout=_PATIENCE_S)
            for worker in list(self._busy):
                if worker.connection in ready:
                    yield from self._heard(worker)
                elif time.monotonic() - worker.since > GROUP_LIMIT_S:
                    yield from self._ended(worker)

    def close(self) -> None:
        """End all workers."""
        for worker in self._busy:
            _stop(worker)
        self._busy = []

    def _started(self, job: Job) -> _Worker:
        here, there = self._fork.Pipe()
        process = self._fork.Process(target=work, args=(self._shared, there, os.getpid(), self._own_bytes), daemon=True)
        process.start()
        there.close()
        here.send(job)
        return _Worker(process, here, job, since=time.monotonic())

    def _heard(self, worker: _Worker) -> Iterator[Sent]:
        try:
            kind, number, rows = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._ended(worker)
            return
        worker.since = time.monotonic()
        if kind == "begin":
            worker.begun = number
        elif kind == "rows":
            worker.done = number + 1
            yield from rows
        elif self._waiting:
            worker.job, worker.done, worker.begun = self._waiting.popleft(), 0, None
            worker.connection.send(worker.job)
        else:
            _stop(worker)
            self._busy.remove(worker)

    def _ended(self, worker: _Worker) -> Iterator[Sent]:
        """Put back what a dead or stuck worker left, the group it died of to be made a surer way."""
        _stop(worker)
        self._busy.remove(worker)
        job = worker.job
        if worker.begun is None and len(job.groups) > 1:
            self._waiting.extend(Job((group,)) for group in job.groups)
            return
        culprit = worker.begun or 0
        if job.ways.get(culprit, FAST) < LOST:
            self._waiting.append(job.rest(worker.done, culprit))
            return
        groups = job.groups[worker.done : culprit] + job.groups[culprit + 1 :]
        self._waiting.extend(Job((group,)) for group in groups)
        for place in job.groups[culprit].places:
            thing = self._shared.model.tree.things[place]
            message = "reading the object ends the process that reads it"
            yield row_of(Defect(thing.global_id, thing.ifc_class, "unreadable", message, rejected=True)), None, None


def _stop(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.connection.close()
