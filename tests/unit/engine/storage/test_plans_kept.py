"""Compiled plans, kept for as long as there is room."""

from __future__ import annotations

from archwright.language.parse import parse
from archwright.language.plan import Plan
from archwright.language.plan import compile as compile_plan
from services.engine.storage.plans import Plans


def source(name: str, steps: int = 1) -> str:
    return f"name: {name}\nsteps:\n" + "".join(f"  - {{name: s{number}, agent: a}}\n" for number in range(steps))


def plan(name: str, steps: int = 1) -> Plan:
    return compile_plan(parse(source(name, steps)))


def test_a_plan_is_compiled_once() -> None:
    plans = Plans()

    assert plans.of("h", source("a")) is plans.of("h", source("a"))
    assert plans.find("other") is None


def test_the_one_that_nobody_asked_for_the_longest_is_dropped_first() -> None:
    plans = Plans(plans_max=2)
    plans.keep("a", plan("a"))
    plans.keep("b", plan("b"))
    plans.find("a")

    plans.keep("c", plan("c"))

    assert (plans.find("a") is None, plans.find("b") is None, plans.find("c") is None) == (False, True, False)


def test_large_plans_take_the_room_of_many_small_ones() -> None:
    plans = Plans(steps_max=10)
    for number in range(5):
        plans.keep(f"small{number}", plan("small", 2))
    assert len(plans) == 5

    plans.keep("large", plan("large", 7))

    assert len(plans) == 2
    assert plans.find("small4") is not None


def test_a_plan_beyond_all_room_is_kept_until_the_next() -> None:
    plans = Plans(steps_max=10)
    plans.keep("huge", plan("huge", 50))
    assert plans.find("huge") is not None

    plans.keep("small", plan("small"))

    assert plans.find("huge") is None
    assert plans.find("small") is not None


def test_who_comes_second_gets_the_plan_that_is_there() -> None:
    plans = Plans()
    first = plans.keep("h", plan("a"))

    assert plans.keep("h", plan("a")) is first
