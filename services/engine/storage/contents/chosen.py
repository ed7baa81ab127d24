"""The place for content that the settings name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from services.chassis.settings import PREFIX, SettingsInvalid
from services.engine.ports.contents import Contents
from services.engine.settings import EngineSettings
from services.engine.storage.contents.objects import ObjectContents
from services.engine.storage.contents.postgres import PostgresContents
from services.engine.storage.database import Database

if TYPE_CHECKING:
    from obstore.store import S3Config

_STORE: Final = f"{PREFIX}ARTIFACT_STORE"
_ENDPOINT: Final = f"{PREFIX}ARTIFACT_S3_ENDPOINT"
_KEY: Final = f"{PREFIX}ARTIFACT_S3_ACCESS_KEY_ID"
_SECRET: Final = f"{PREFIX}ARTIFACT_S3_SECRET_ACCESS_KEY"
_REQUEST_SECONDS_MAX: Final = 120
_RETRY_SECONDS_MAX: Final = 10


def chosen(settings: EngineSettings, database: Database) -> Contents:
    """Return the place for content; raises SettingsInvalid naming the variable that is wrong and the way out."""
    if settings.artifact_store == "postgresql":
        return PostgresContents(database)
    try:
        url = urlsplit(settings.artifact_store)
    except ValueError as malformed:
        raise _refused(settings, str(malformed)) from None
    if url.query or url.fragment or url.username or url.password:
        raise _refused(settings, "it may not hold a user, a query or a fragment")
    match url.scheme:
        case "file":
            return _folder(settings, url.netloc, unquote(url.path))
        case "s3":
            return _bucket(settings, url.netloc, url.path.strip("/"))
        case _:
            raise _refused(settings, "it is none of these")


def _folder(settings: EngineSettings, host: str, path: str) -> Contents:
    folder = Path(path)
    if host or folder == Path("/") or not folder.is_absolute():
        raise _refused(settings, "a folder is named by its whole path, after three slashes")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        store = LocalStore(folder)
    except (OSError, BaseError) as error:
        raise _refused(settings, f"the folder cannot be used: {error}") from None
    return ObjectContents(store, place=f"file://{folder}", folder=folder)


def _bucket(settings: EngineSettings, bucket: str, prefix: str) -> Contents:
    if not bucket:
        raise _refused(settings, "it names no bucket")
    endpoint = settings.artifact_s3_endpoint
    if endpoint and (urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).hostname):
        raise SettingsInvalid(f"{_ENDPOINT} is {endpoint!r}: write http://host:port or https://host:port.")
    key, secret = settings.artifact_s3_access_key_id, settings.artifact_s3_secret_access_key.get_secret_value()
    if bool(key) != bool(secret):
        raise SettingsInvalid(f"{_KEY} and {_SECRET} go together: set both, or none of them.")
    access: S3Config = {"endpoint": endpoint} if endpoint else {}
    if key:
        access |= {"access_key_id": key, "secret_access_key": secret}
    try:
        store = S3Store(
            bucket,
            prefix=prefix or None,
            config=access,
            region=settings.artifact_s3_region,
            virtual_hosted_style_request=not settings.artifact_s3_path_style,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=5),
                "timeout": timedelta(seconds=_REQUEST_SECONDS_MAX),
            },
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=_RETRY_SECONDS_MAX)},
        )
    except BaseError as error:
        raise _refused(settings, str(error)) from None
    return ObjectContents(store, place=settings.artifact_store)


def _refused(settings: EngineSettings, why: str) -> SettingsInvalid:
    return SettingsInvalid(
        f"{_STORE} is {settings.artifact_store!r}: {why}. Write postgresql, file:///folder or s3://bucket/prefix."
    )
