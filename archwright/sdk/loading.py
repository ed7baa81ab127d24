"""Finds an agent by `module:attribute`, as a person writes it on a command line."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from archwright.errors import RequestInvalid
from archwright.sdk.agent import Agent


def load_agent(target: str) -> Agent:
    """Import the module, from the working folder first, and return its agent; raises RequestInvalid."""
    name, attribute = _parts(target)
    module = _imported(name)
    found = getattr(module, attribute, None)
    if isinstance(found, Agent):
        return found
    agents = [each for each, value in vars(module).items() if isinstance(value, Agent)]
    advice = f" There is {', '.join(f'`{name}:{each}`' for each in agents)}." if agents else " Is it made there?"
    wrong = f"no {attribute!r}" if found is None else f"{attribute!r}, which is no Agent but {type(found).__name__}"
    raise RequestInvalid(f"Module {name!r} has {wrong}.{advice}", facts={"target": target})


def source_of(target: str) -> Path:
    """Return the folder of the module's source, that of its outermost package; raises RequestInvalid."""
    name, _ = _parts(target)
    outermost = name.partition(".")[0]
    spec = _spec(outermost)
    if spec.origin is None:  # a folder without __init__.py
        return Path(next(iter(spec.submodule_search_locations or ["."])))
    return Path(spec.origin).parent


def _parts(target: str) -> tuple[str, str]:
    name, separator, attribute = target.partition(":")
    if not separator or not attribute.isidentifier() or not all(part.isidentifier() for part in name.split(".")):
        raise RequestInvalid(
            f"{target!r} names no agent. Write `module:attribute`, such as `greeter:agent` for `agent` in greeter.py.",
            facts={"target": target},
        )
    return name, attribute


def _spec(outermost: str) -> importlib.machinery.ModuleSpec:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.find_spec(outermost)
    if spec is None:
        raise RequestInvalid(
            f"There is no module {outermost!r} in {folder}, nor among what is installed. Are you in its folder?",
            facts={"module": outermost, "folder": folder},
        )
    return spec


def _imported(name: str) -> ModuleType:
    _spec(name.partition(".")[0])
    try:
        return importlib.import_module(name)
    except Exception as error:  # of a module that is not ours
        place = next(
            (
                f" ({Path(frame.filename).name}:{frame.lineno})"
                for frame in reversed(traceback.extract_tb(error.__traceback__))
                if "importlib" not in frame.filename and frame.filename != __file__
            ),
            "",
        )
        raise RequestInvalid(
            f"Module {name!r} cannot be imported: {type(error).__name__}: {error}{place}.", facts={"module": name}
        ) from error
