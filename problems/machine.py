"""What the machine can still give: memory."""

from __future__ import annotations

from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_PLENTY = 2**62


def available_memory() -> int | None:
    """Return the bytes that this process may still ask for; None where nothing says.

    The least of the machine's available memory, what the control group leaves, and what a limit on
    the address space leaves (`man 5 proc`, ``man 2 getrlimit``, and the kernel's cgroup-v2
    documentation). Swap is not counted.
    """
    found = [value for value in (_of_machine(), _of_group(), _of_addresses()) if value is not None]
    return max(min(found), 0) if found else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _of_machine() -> int | None:
    for line in _read(Path("/proc/meminfo")).splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _of_group() -> int | None:
    limit, used = (_read(_CGROUP / name).strip() for name in ("memory.max", "memory.current"))
    if not limit.isdigit() or not used.isdigit():
        return None  # "max", or no group
    inactive = 0  # pages of files that are dropped when memory is asked for
    for line in _read(_CGROUP / "memory.stat").splitlines():
        if line.startswith("inactive_file "):
            inactive = int(line.split()[1])
    return int(limit) - int(used) + inactive


def _of_addresses() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    pages = _read(Path("/proc/self/statm")).split()
    if limit == resource.RLIM_INFINITY or limit >= _PLENTY or not pages:
        return None
    return limit - int(pages[0]) * resource.getpagesize()
