"""How much of what a change reaches is found in models of what exists, and how much is said that is not so.

A file is a list of cases: `request`, `model` (a file below the folder of models), and by ids what must be reported
(`must_impact`), what must not (`must_not_impact`), and, where a case has them, what is changed (`seeds`), what that
rests on (`upstream_dependencies`), what is there already (`matched_existing`) and what must be new (`expect_new`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from archwright.errors import ArchwrightError, RequestInvalid
from benchmarks.evaluation.files import objects_of
from services.agents.change.assessment import Assessment, assess
from services.agents.model.baseline import read_baseline
from services.agents.model.graph import Model

_SUMS = ("must_found", "must_total", "must_not_hit", "seeds_found", "seeds_total", "upstream_found", "upstream_total")
_MORE = ("matched_found", "matched_total", "new_found", "new_total", "illegal_relations", "ids_lost")


def measure(cases: Path, models: Path) -> dict[str, Any]:
    """Return the sums over all cases, and each case with what it misses."""
    known: dict[Path, Model] = {}
    judged = []
    for number, case in enumerate(objects_of(cases), 1):
        place = f"{cases}, case {number}"
        try:
            file = _file(models, str(case["model"]))
            if file not in known:
                known[file] = read_baseline(file.read_bytes())
            judged.append(_judged(case, known[file]))
        except (KeyError, TypeError) as error:
            raise RequestInvalid(f"{place} is not of the form: request, model, must_impact ({error}).") from None
        except ArchwrightError as error:
            raise RequestInvalid(f"{place}: {error.message}") from None
    sums = {name: sum(each[name] for each in judged) for name in (*_SUMS, *_MORE)}
    return {"cases": len(judged), **sums, "details": judged}


def _file(models: Path, name: str) -> Path:
    for file in (models / name, models / Path(name).name):
        if file.is_file():
            return file
    raise RequestInvalid(f"There is no model {name!r} in {models}.")


def _judged(case: Mapping[str, Any], model: Model) -> dict[str, Any]:
    found = assess(str(case["request"]), model)
    impacted = {one.element.id for one in found.impact.impacted}
    seeds = {one.element.id for one in found.change.seeds}
    named = seeds | {one.element.id for one in found.change.matched} | {one.id for one in found.change.related}
    must, must_not = case["must_impact"], case.get("must_not_impact", ())
    missed = [_said(one) for one in must if not _is_among(one, impacted)]
    wrong = [_said(one) for one in must_not if _is_among(one, impacted)]
    upstream = {one.id for one in found.impact.upstream}
    return {
        "id": case.get("id", ""),
        "must_found": len(must) - len(missed),
        "must_total": len(must),
        "must_not_hit": len(wrong),
        "impacted": sum(one.is_strong for one in found.impact.impacted),
        "connected": sum(not one.is_strong for one in found.impact.impacted),
        **_shares("seeds", case.get("seeds", ()), seeds),
        **_shares("upstream", case.get("upstream_dependencies", ()), upstream),
        **_shares("matched", case.get("matched_existing", ()), named),
        "new_found": sum(_is_new(one, found, model) for one in case.get("expect_new", ())),
        "new_total": len(case.get("expect_new", ())),
        "illegal_relations": len(found.result.problems),
        "ids_lost": len(model.elements.keys() - found.result.elements.keys() - seeds),
        "missed": missed,
        "wrong": wrong,
    }


def _shares(name: str, expected: Iterable[Mapping[str, Any]], found: set[str]) -> dict[str, int]:
    items = list(expected)
    return {f"{name}_found": sum(_is_among(one, found) for one in items), f"{name}_total": len(items)}


def _is_among(item: Mapping[str, Any], ids: set[str]) -> bool:
    return any(str(one) in ids for one in item["ids"])


def _is_new(wanted: Mapping[str, Any], found: Assessment, model: Model) -> bool:
    """Return whether the result has a new element of this type and name that is related to something."""
    like = str(wanted.get("name_like", "")).lower()
    tied = {end for one in found.result.relations.values() for end in (one.source_id, one.target_id)}
    return any(
        one.id not in model.elements and one.type == wanted["type"] and like in one.name.lower() and one.id in tied
        for one in found.result.elements.values()
    )


def _said(item: Mapping[str, Any]) -> str:
    return f"{item.get('type', '')} {item.get('name', '')}".strip()
