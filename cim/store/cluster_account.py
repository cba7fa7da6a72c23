"""Who runs PostgreSQL and which folders it may use.

PostgreSQL refuses to run as root. A server started by root therefore runs every PostgreSQL program as the
``postgres`` account that the Debian package brings, and should itself drop to that account.
"""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cim.errors import ClusterError

SERVICE_ACCOUNT = "postgres"
ROOT_DATA_DIR = Path("/var/lib/onemap-cim")
SOCKET_ROOT = Path("/tmp")  # noqa: S108 - each folder below it is 0700 and its owner is checked
SOCKET_PATH_LIMIT = 107
SOCKET_PORT = 5432
DISK_FLOOR_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True)
class Account:
    """A system account: its name and the numbers a process switches to."""

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """The account a server started by root must drop to; None when this process is not root.

    Raises ClusterError when root starts it and the account does not exist.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(SERVICE_ACCOUNT)
    except KeyError:
        raise ClusterError(
            f"the system account '{SERVICE_ACCOUNT}' does not exist, and PostgreSQL refuses to run as root",
            remedy="install PostgreSQL (apt install postgresql postgresql-postgis) or start as an ordinary user",
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def running_account() -> Account:
    """The account PostgreSQL runs as: the service account for root, otherwise the caller's own."""
    dropped = unprivileged_account()
    if dropped is not None:
        return dropped
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return Account(name, uid, os.getegid())


def default_data_dir() -> Path:
    """The data folder when none is named: ``CIM_DATA``, else below /var/lib for root and the home for others."""
    named = os.environ.get("CIM_DATA", "").strip()
    if named:
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return ROOT_DATA_DIR
    return Path.home() / ".local" / "share" / "onemap-cim"


def make_private_dir(path: Path, account: Account) -> None:
    """Make a folder, or take one that is there, that only ``account`` (and root) can enter.

    Raises ClusterError when it cannot be made, is not a folder, or belongs to somebody else.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(path, account.uid, account.gid)
    except FileExistsError:
        _adopt(path, account)
    except OSError as error:
        raise ClusterError(
            f"the folder cannot be made ({error.strerror})",
            where=str(path),
            remedy="name a folder you may write with --data or CIM_DATA",
        ) from error


def _adopt(path: Path, account: Account) -> None:
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise ClusterError(
            "there is something here that is not a folder",
            where=str(path),
            remedy="remove it, or name another folder",
        )
    if found.st_uid == 0 and os.geteuid() == 0 and not any(path.iterdir()):
        os.chown(path, account.uid, account.gid)
    elif found.st_uid != account.uid:
        raise ClusterError(
            f"the folder belongs to user id {found.st_uid} and not to '{account.name}' (user id {account.uid})",
            where=str(path),
            remedy="start as that user, remove the folder, or name another one with --data or CIM_DATA",
        )
    if stat.S_IMODE(found.st_mode) != 0o700:
        path.chmod(0o700)


def check_reachable(path: Path, account: Account) -> None:
    """Raise ClusterError when ``account`` cannot walk to ``path``, for example below root's 0700 home."""
    if os.geteuid() != 0:
        return
    for folder in [*reversed(path.parents), path]:
        seen = subprocess.run(
            ["/usr/bin/test", "-x", str(folder)],
            check=False,
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )
        if seen.returncode != 0:
            raise ClusterError(
                f"the data folder cannot be reached by the account '{account.name}', which runs PostgreSQL for root:"
                f" {folder} may not be entered",
                where=str(path),
                remedy=f"use --data {ROOT_DATA_DIR}, or allow it with: chmod o+x {folder}",
            )


def socket_dir(data_dir: Path, account: Account) -> Path:
    """The folder of the cluster's socket: short, and always the same one for a data folder and account.

    It lies below /tmp or ``CIM_SOCKET_DIR``; not below XDG_RUNTIME_DIR, which is deleted when the user logs out.
    Raises ClusterError when the socket's path would exceed the 107 bytes the kernel takes.
    """
    root = Path(os.environ.get("CIM_SOCKET_DIR", "").strip() or SOCKET_ROOT)
    mark = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    folder = root / f"cim-{account.uid}-{mark}"
    length = len(os.fsencode(folder / f".s.PGSQL.{SOCKET_PORT}"))
    if length > SOCKET_PATH_LIMIT:
        raise ClusterError(
            f"the path of the database socket would be {length} bytes long; the system takes {SOCKET_PATH_LIMIT}",
            where=str(folder),
            remedy="set CIM_SOCKET_DIR to a short folder, such as /tmp",
        )
    return folder


def free_disk_problem(path: Path, floor_bytes: int = DISK_FLOOR_BYTES) -> str | None:
    """What is wrong when the disk of ``path`` (or of its nearest existing parent) has less than ``floor_bytes`` free.

    Returns a sentence with its remedy, or None when there is room enough.
    """
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if free >= floor_bytes:
        return None
    return (
        f"only {free // 2**20} MB are free on the disk of {path}, at least {floor_bytes // 2**20} MB are needed:"
        " free some space, or name a folder on another disk with --data"
    )


def disk_floor() -> int:
    """The free space in bytes below which nothing is started or imported: ``CIM_DISK_FLOOR_MB``, default 500."""
    text = os.environ.get("CIM_DISK_FLOOR_MB", "").strip()
    if not text:
        return DISK_FLOOR_BYTES
    if not text.isdecimal():
        raise ClusterError(
            f"'{text}' is not a whole number of megabytes",
            where="CIM_DISK_FLOOR_MB",
            remedy="write for example CIM_DISK_FLOOR_MB=500",
        )
    return int(text) * 2**20
