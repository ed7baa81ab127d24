"""What the figures were measured on: without it they say nothing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.mesh import Mesh

_PACKAGES = ("archwright", "grpcio", "protobuf", "asyncpg", "uvloop", "redis")
_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers")


async def describe(mesh: Mesh) -> dict[str, Any]:
    """Return the machine, the versions, and PostgreSQL's settings as it states them itself."""
    connection = await mesh.connect()
    try:
        settings = {name: await connection.fetchval(f"SHOW {name}") for name in _SETTINGS}
        postgres = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    return {
        "machine": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
            "system": f"{platform.system()} {platform.release()}",
            "load_before": round(os.getloadavg()[0], 2),
        },
        "versions": {
            "commit": _commit(),
            "python": platform.python_version(),
            "postgresql": postgres,
            **{package: version(package) for package in _PACKAGES},
        },
        "postgresql": settings,
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str:
    """Return the commit that is measured, with a word when there is more than it; empty outside a repository."""
    git = shutil.which("git")
    if git is None:
        return ""
    told = subprocess.run(
        [git, "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    return told.stdout.strip()
