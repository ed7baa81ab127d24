"""Reads a wish that somebody has for somebody else: "a library wants readers to reserve books", "let guests pay"."""

from __future__ import annotations

import re

from services.agents.roles.business_analyst import lexicon
from services.agents.roles.business_analyst.actions import actions
from services.agents.roles.business_analyst.clause import Clause
from services.agents.roles.business_analyst.phrases import first_word, without_article

MODAL = "want"
_WISH = re.compile(
    r"^(?:.{0,120}?\b(?:wants?|wish(?:es)?|would like|expects?)\s+(?:for\s+)?(?:to let\s+)?|let\s+)(?P<what>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_LET = re.compile(r"\blet\s+$", re.IGNORECASE)
_TO = re.compile(r"^(?:to\s+)?(?:be (?:able|allowed) to\s+)?", re.IGNORECASE)
_WHO_WORDS_MAX = 5


def wished(text: str) -> tuple[Clause, ...]:
    """Return what the people of a wish are to do, one clause per verb; nothing where it names none."""
    match = _WISH.match(text)
    words = match.group("what").split() if match else []
    is_let = bool(_LET.search(text[: match.start("what")])) if match else False
    for at in range(1, min(len(words), _WHO_WORDS_MAX + 1)):
        who, rest = without_article(" ".join(words[:at])), " ".join(words[at:])
        done = _TO.sub("", rest)
        if (
            (done != rest or is_let)
            and lexicon.is_person(who)
            and lexicon.lemma(first_word(done)) == first_word(done).lower()
        ):
            return tuple(actions(done, who, MODAL))
    return ()
