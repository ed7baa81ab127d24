"""How often the analyst finds who wants what done to what in a user story, where people have marked it.

A file has a story a line: its `text`, its `entities` as labelled spans (Persona, Action, Entity), and `relations` from
the persona to the action that it triggers, and from the action to the entity that it targets.
What is said agrees with what is marked where it is the same words, articles and plurals aside; of an action it is the
verb that must agree, whatever its form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archwright.errors import RequestInvalid
from benchmarks.evaluation.files import objects_of_lines
from services.agents.naming import singular
from services.agents.roles.business_analyst import clauses, lexicon
from services.agents.roles.business_analyst.phrases import listed

_MARK = re.compile(r"^\s*#\w+#\s*")
"""Of which backlog a story is: "#G10#"."""
_AUXILIARIES = frozenset({"be", "have", "get"})


@dataclass(frozen=True, slots=True)
class Marked:
    """What people marked in one story; nothing where they marked none."""

    text: str
    persona: str
    action: str
    entities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What the analyst says of one story."""

    persona: str
    action: str
    entity: str


def measure(file: Path) -> dict[str, Any]:
    """Return the shares of stories whose persona, action and entity the analyst finds."""
    stories = [_marked(each, f"{file}, story {number}") for number, each in enumerate(objects_of_lines(file), 1)]
    if not stories:
        raise RequestInvalid(f"{file} has no stories.")
    read = [(story, said(story.text)) for story in stories]
    return {
        "stories": len(stories),
        "persona": _share(_plain(one.persona) == _plain(story.persona) for story, one in read if story.persona),
        "action": _share(one.action == _verb(story.action) for story, one in read if story.action),
        "entity": _share(
            _plain(one.entity) in {_plain(entity) for entity in story.entities} for story, one in read if story.entities
        ),
    }


def said(text: str) -> Said:
    """Return who wants what done to what, as the analyst reads a story: the first thing that it says is done."""
    found = clauses.read(text)
    if not found:
        return Said("", "", "")
    things = listed(found[0].object)
    return Said(found[0].actor, found[0].verb, things[0].partition(" of ")[0] if things else "")


def _marked(story: Mapping[str, Any], place: str) -> Marked:
    try:
        text = str(story["text"])
        spans = sorted(story["entities"], key=lambda span: int(span["start_offset"]))
        label = {span["id"]: span["label"] for span in spans}
        quote = {span["id"]: text[span["start_offset"] : span["end_offset"]] for span in spans}
        links = [(link["type"], link["from_id"], link["to_id"]) for link in story["relations"]]
    except (KeyError, TypeError, ValueError) as error:
        raise RequestInvalid(f"{place} lacks {error}; it needs text, entities with spans, and relations.") from None
    of_kind = {kind: [span["id"] for span in spans if span["label"] == kind] for kind in ("Persona", "Action")}
    triggered = {to for kind, _, to in links if kind == "triggers"} & set(of_kind["Action"])
    action = next((one for one in of_kind["Action"] if one in triggered), next(iter(of_kind["Action"]), None))
    targets = [to for kind, source, to in links if kind == "targets" and source == action and label.get(to) == "Entity"]
    return Marked(
        text=_MARK.sub("", text),
        persona=quote[of_kind["Persona"][0]] if of_kind["Persona"] else "",
        action=quote[action] if action is not None else "",
        entities=tuple(quote[target] for target in targets),
    )


def _plain(phrase: str) -> str:
    words = re.findall(r"[\w'/-]+", phrase.lower())
    return " ".join(singular(word) for word in words if word not in lexicon.grammar().determiners)


def _verb(phrase: str) -> str:
    """Return the verb of "automatically create", "be notified" and "fill out" in its plain form."""
    words = re.findall(r"[\w-]+", phrase.lower())
    main = [word for word in words if word not in lexicon.grammar().adverbs and word not in _AUXILIARIES]
    main = [word for word in main if not word.endswith("ly")] or words
    return lexicon.lemma(main[0]) or main[0]


def _share(hits: Iterable[bool]) -> float | None:
    found = list(hits)
    return round(sum(found) / len(found), 4) if found else None
