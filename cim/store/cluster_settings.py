"""The private cluster's PostgreSQL settings."""

import re
from pathlib import Path

MIB = 2**20
SETTINGS_FILE = "cim.conf"
INCLUDES = f"\ninclude '{SETTINGS_FILE}'\ninclude_if_exists 'local.conf'   # an administrator's own settings win\n"


def memory_bytes() -> int:
    """The memory this machine or its container has, in bytes; 4 GiB when that cannot be read."""
    limits = []
    try:
        found = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
        limits += [int(found[1]) * 1024] if found else []
    except OSError:
        pass
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        limits += [int(limit)] if limit.isdecimal() else []
    except OSError:
        pass
    return min(limits, default=4096 * MIB)


def settings_text(data_dir: Path, sockets: Path, *, durable: bool, memory: int) -> str:
    """The settings file for a server that shares its machine with the rest of the product.

    ``memory`` is in bytes. With ``durable`` false a power cut may destroy the data, and nothing is vacuumed of itself:
    for tests only, whose many databases are dropped all the time, which was seen to wait a minute beside autovacuum.
    """
    buffers = min(1024 * MIB, max(128 * MIB, memory // 8)) if durable else 256 * MIB
    values: dict[str, str | float] = {
        "listen_addresses": "''",
        "unix_socket_directories": _quoted(str(sockets)),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "max_connections": 100,
        "client_connection_check_interval": "'2s'",
        "shared_buffers": f"{buffers // MIB}MB",
        "effective_cache_size": f"{max(256, memory // 2 // MIB)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "256MB" if memory >= 4096 * MIB else "64MB",
        "jit": "off",
        "random_page_cost": 1.1,
        "effective_io_concurrency": 100,
        "max_wal_size": "4GB",
        "min_wal_size": "256MB",
        "wal_compression": "on",
        "checkpoint_timeout": "15min",
        "synchronous_commit": "on",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "logging_collector": "on",
        "log_directory": _quoted(str(data_dir / "log")),
        "log_filename": "'postgresql-%a.log'",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": 0,
        "log_file_mode": "0600",
        "log_line_prefix": "'%m [%p] %u@%d %a '",
        "log_min_duration_statement": "2s",
        "log_lock_waits": "on",
    }
    if not durable:
        values |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
        values |= {"max_wal_size": "1GB"}
    lines = [f"{name} = {value}" for name, value in values.items()]
    return "# Written by cim at every start. Own settings belong into local.conf beside this file.\n" + "\n".join(
        [*lines, ""]
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
