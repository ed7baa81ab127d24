"""What to do with a mesh that is up."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from rich.console import Console

from archwright.cli import show
from archwright.local import state

_EXAMPLE = "examples/claims-platform.yaml"


def introduce(console: Console, place: state.StateFolder, record: state.MeshRecord) -> None:
    """Print where the mesh is, what to try in another terminal, and how to stop."""
    gateway = record.gateway.replace("127.0.0.1", "localhost")
    show.facts(
        (
            ("gateway", gateway),
            ("engine" if len(record.engines) == 1 else "engines", f"{', '.join(record.engines)} (gRPC)"),
            ("registry", f"{record.registry} (gRPC)"),
            ("data, keys, logs", _short(place.root)),
        )
    )
    ca_file = shlex.quote(_short(Path(record.ca_file)))
    lines = [
        f"archwright run architecture_creation --input {_EXAMPLE} --watch",
        f'curl --cacert {ca_file} -H "Authorization: Bearer $(archwright token)" {gateway}/api/v1/workflows',
    ]
    if place.root != state.folder().root:
        lines.insert(0, f"export {state.STATE_VARIABLE}={shlex.quote(str(place.root))}")
    console.print("\nIn another terminal:")
    for line in lines:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    console.print("\nCtrl-C stops it.\n")


def _short(path: Path) -> str:
    here = Path(os.curdir).absolute()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
