"""Wrong settings of the artifact store are refused, naming the variable and the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.chassis.settings import SettingsInvalid
from services.engine.settings import EngineSettings
from services.engine.storage.contents.chosen import chosen
from services.engine.storage.database import Database

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"artifact_store": ""}, "ARCHWRIGHT_ARTIFACT_STORE .* Write postgresql, file:///folder or s3://"),
        ({"artifact_store": "redis"}, "ARCHWRIGHT_ARTIFACT_STORE"),
        ({"artifact_store": "https://bucket"}, "none of these"),
        ({"artifact_store": "file://folder/x"}, "three slashes"),
        ({"artifact_store": "file:///"}, "three slashes"),
        ({"artifact_store": "file:///dev/null/x"}, "cannot be used"),
        ({"artifact_store": "s3://"}, "names no bucket"),
        ({"artifact_store": "s3://key:secret@bucket"}, "may not hold a user"),
        ({"artifact_store": "s3://[bucket"}, "ARCHWRIGHT_ARTIFACT_STORE"),
        ({"artifact_store": "s3://b", "artifact_s3_endpoint": "localhost:9000"}, "ARCHWRIGHT_ARTIFACT_S3_ENDPOINT"),
        ({"artifact_store": "s3://b", "artifact_s3_access_key_id": "k"}, "SECRET_ACCESS_KEY go together"),
    ],
)
def test_a_wrong_place_is_refused(settings: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"postgres_dsn": NOWHERE, "jwks_file": Path("keys.json"), **settings}
    with pytest.raises(SettingsInvalid, match=message):
        chosen(EngineSettings(**given), Database(NOWHERE, pool_max=6))
