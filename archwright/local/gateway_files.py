"""Finds the gateway's template: inside the wheel, or beside the package in a checkout."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

TEMPLATE = "envoy/envoy.yaml.j2"


def template() -> str:
    """Return the text of the template."""
    return _folder().joinpath(TEMPLATE).read_text(encoding="utf-8")


def _folder() -> Traversable:
    packaged = resources.files("archwright.local").joinpath("gateway")
    checkout = Path(__file__).parents[2] / "gateway"
    for folder in (packaged, checkout):
        if folder.joinpath(TEMPLATE).is_file():
            return folder
    raise FileNotFoundError(
        f"The gateway's template {TEMPLATE} is neither in the installed package nor in {checkout}. "
        "Install archwright from a wheel, or work in a full checkout."
    )
