"""Channels: the free space above each row and below the last one, where lines go sideways on tracks."""

from __future__ import annotations

from dataclasses import dataclass, field

TRACK = 9
EDGE = 20
EMPTY = 36
CLEARANCE = 6
"""No two bundles go up or down nearer to each other than this."""


@dataclass(slots=True)
class Channel:
    """Who enters or leaves where, and on which track each bundle goes sideways."""

    stops: dict[str, list[int]] = field(default_factory=dict)
    taken: dict[int, str] = field(default_factory=dict)
    tracks: dict[str, int] = field(default_factory=dict)
    y: int = 0

    @property
    def height(self) -> int:
        """Enough for its tracks."""
        count = max(self.tracks.values(), default=-1) + 1
        return 2 * EDGE + TRACK * (count - 1) if count else EMPTY

    def is_free(self, x: int, bundle: str) -> bool:
        """Return whether no other bundle goes up or down near `x`."""
        near = range(x - CLEARANCE + 1, x + CLEARANCE)
        return all(self.taken.get(one, bundle) == bundle for one in near)

    def stop(self, x: int, bundle: str) -> None:
        """Let `bundle` enter or leave at `x`."""
        self.taken.setdefault(x, bundle)
        self.stops.setdefault(bundle, []).append(x)

    def assign_tracks(self) -> None:
        """Give every bundle that goes sideways the first track where it meets no other; short ways come first."""
        spans = {bundle: (min(stops), max(stops)) for bundle, stops in self.stops.items() if min(stops) < max(stops)}
        on_track: list[list[tuple[int, int]]] = []
        for bundle, (left, right) in sorted(spans.items(), key=lambda one: (one[1][1] - one[1][0], one[1], one[0])):
            track = next((index for index, others in enumerate(on_track) if _fits(left, right, others)), len(on_track))
            if track == len(on_track):
                on_track.append([])
            on_track[track].append((left, right))
            self.tracks[bundle] = track

    def track_y(self, bundle: str) -> int:
        """Return the height of the bundle's track on the page."""
        return self.y + EDGE + TRACK * self.tracks.get(bundle, 0)


def _fits(left: int, right: int, others: list[tuple[int, int]]) -> bool:
    return all(right + CLEARANCE < start or end + CLEARANCE < left for start, end in others)
