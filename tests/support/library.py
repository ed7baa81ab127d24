"""The architecture of a lending library, in Archi's own format: small enough to know every path of it by heart."""

from __future__ import annotations

from collections.abc import Iterable

ELEMENTS = (
    ("reader", "BusinessRole", "Reader"),
    ("lend", "BusinessProcess", "Lend book"),
    ("lending", "BusinessService", "Lending Service"),
    ("book", "BusinessObject", "Book"),
    ("portal", "ApplicationComponent", "Web Portal"),
    ("catalogue", "ApplicationComponent", "Catalogue System"),
    ("search", "ApplicationService", "Search Service"),
    ("loans", "ApplicationComponent", "1.2. Loans"),
    ("records", "DataObject", "Loan Records"),
    ("server", "Node", "Old Server"),
    ("hosting", "TechnologyService", "Hosting"),
    ("backup", "Device", "Tape Robot"),
    ("find", "Requirement", "Books are found at once"),
    ("happy", "Goal", "Happy readers"),
    ("part", "ApplicationComponent", "Index"),
    ("printer", "ApplicationComponent", "Printer"),
    ("printer-device", "Device", "Printer"),
)
RELATIONS = (
    ("r1", "Realization", "server", "hosting", ""),
    ("r2", "Serving", "hosting", "catalogue", ""),
    ("r3", "Realization", "catalogue", "search", ""),
    ("r4", "Serving", "search", "lend", ""),
    ("r5", "Realization", "lend", "lending", ""),
    ("r6", "Serving", "lending", "reader", ""),
    ("r7", "Realization", "search", "find", ""),
    ("r8", "Realization", "find", "happy", ""),
    ("r9", "Access", "catalogue", "records", ' accessType="1"'),
    ("r10", "Access", "loans", "records", ""),
    ("r11", "Flow", "catalogue", "portal", ""),
    ("r12", "Composition", "catalogue", "part", ""),
    ("r13", "Serving", "loans", "lend", ""),
    ("r14", "Association", "reader", "backup", ""),
    ("r15", "Serving", "printer", "portal", ""),
)


def archi(elements: Iterable[tuple[str, str, str]], relations: Iterable[tuple[str, str, str, str, str]]) -> str:
    """Return a file of Archi with these elements (id, type, name) and relations (id, type, source, target, more)."""
    lines = [f'<element xsi:type="archimate:{kind}" id="{own}" name="{name}"/>' for own, kind, name in elements]
    lines += [
        f'<element xsi:type="archimate:{kind}Relationship" id="{own}" source="{source}" target="{target}"{more}/>'
        for own, kind, source, target, more in relations
    ]
    return (
        '<archimate:model xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:archimate="http://www.archimatetool.com/archimate" name="Library" id="m">'
        f'<folder name="All" id="f" type="business">{"".join(lines)}</folder>'
        '<folder name="Views" id="v" type="diagrams">'
        '<element xsi:type="archimate:ArchimateDiagramModel" id="d" name="All"/></folder></archimate:model>'
    )


LIBRARY = archi(ELEMENTS, RELATIONS)
