"""Has a person change a text in the editor of their choice."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from archwright.errors import RequestInvalid


def edited(text: str, *, suffix: str) -> str:
    """Return what a person makes of a text in $VISUAL or $EDITOR. Raises RequestInvalid where that cannot be had."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"input{suffix}")
        file.write_text(text, encoding="utf-8")
        try:
            ended = subprocess.run([*shlex.split(editor), str(file)], check=False).returncode  # noqa: S603  their own choice
        except (OSError, ValueError) as error:
            raise RequestInvalid(
                f"The editor {editor!r} cannot be started: {error}. Set EDITOR, or give --input FILE.",
                facts={"editor": editor},
            ) from None
        if ended:
            raise RequestInvalid(f"The editor {editor!r} ended with {ended}, and nothing was done.")
        return file.read_text(encoding="utf-8")
