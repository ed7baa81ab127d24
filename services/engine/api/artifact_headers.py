"""What a browser is told about a file that it downloads."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from services.engine.ports.artifacts import StoredArtifact


def headers(artifact: StoredArtifact) -> Mapping[str, str]:
    """Return the headers beside the content's type: its hash, and the name to save it under (RFC 6266)."""
    name = artifact.name.rpartition("/")[2]
    plain = "".join(letter if " " <= letter <= "~" and letter not in '"\\%' else "_" for letter in name)
    return {
        "etag": f'"{artifact.sha256}"',
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "x-artifact-version": str(artifact.version),
    }
