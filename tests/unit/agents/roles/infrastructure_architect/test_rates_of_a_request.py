"""A rate that the request states is borne: what comes in a second as it is, what comes in a day with its peak."""

from __future__ import annotations

import pytest
from role_chain import outputs_of

from archwright.agents.v1.infrastructure_architect_pb2 import Sizing


async def sized(text: str) -> Sizing:
    return (await outputs_of(text, until="infrastructure"))["infrastructure"].infrastructure.sizing


@pytest.mark.parametrize(
    ("rate", "peak"),
    [
        ("3,000 requests per second", 3_000),
        ("180,000 requests a minute", 3_000),
        ("10.8 million messages per hour", 3_000),
        # Ten times the average of a day's orders; three times that of readings, of which twenty come at once.
        ("8.64 million orders a day", 1_000),
        ("17.28 million readings per day", 30),
    ],
)
async def test_the_peak_is_that_of_the_rate(rate: str, peak: float) -> None:
    found = await sized(f"The platform must handle {rate}.")

    assert found.peak_rps == pytest.approx(peak, rel=0.1)


async def test_what_machines_send_is_kept() -> None:
    few = await sized("The platform must take 1 million readings a day.")
    many = await sized("The platform must take 40 million readings a day.")

    assert many.storage_gb.hot > 10 * few.storage_gb.hot
    assert many.peak_rps > few.peak_rps
