"""Ids that an exchange file can hold: XML names, as Archi makes them when it exports a model with numbers for ids."""

from __future__ import annotations

import re
from dataclasses import replace

from services.agents.model.graph import Model

_XML_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


def exportable(model: Model) -> Model:
    """Return the model with `id-` before each id that is no XML name; all others keep theirs."""
    known = (*model.elements, *model.relations)
    taken = {one for one in known if _XML_NAME.fullmatch(one)}
    names: dict[str, str] = {one: one for one in taken}
    for one in known:
        if one not in names:
            base = re.sub(r"[^A-Za-z0-9_.-]", "-", f"id-{one}")
            unique, ordinal = base, 2
            while unique in taken:
                unique, ordinal = f"{base}-{ordinal}", ordinal + 1
            names[one] = unique
            taken.add(unique)
    return replace(
        model,
        elements={names[own]: replace(element, id=names[own]) for own, element in model.elements.items()},
        relations={
            names[own]: replace(
                relation,
                id=names[own],
                source_id=names[relation.source_id],
                target_id=names[relation.target_id],
            )
            for own, relation in model.relations.items()
        },
    )
