"""What holds for every definition that may be published."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from random_definitions import sound_definitions

from archwright.language.bodies import bodies_of
from archwright.language.check import check, load, warnings
from archwright.language.document import document
from archwright.language.draw import draw
from archwright.language.model import Definition
from archwright.language.plan import compile  # noqa: A004  # the language's word


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(sound_definitions())
def test_what_passes_the_check_can_be_compiled_drawn_and_written(definition: Definition) -> None:
    assert check(definition) == ()

    plan = compile(definition)
    names = [step.name for body in bodies_of(definition) for step in body.steps]
    shown = draw(definition)
    warnings(definition)

    assert sorted(plan.index) == sorted(names)
    assert all(f'"{name}<br/>' in shown for name in names)
    assert load(json.dumps(document(definition))) == definition
