from __future__ import annotations

import ipaddress
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from archwright.local import certificates

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_certificates_are_made_once_and_kept(tmp_path: Path) -> None:
    first = certificates.ensure(tmp_path, NOON)
    content = first.server_file.read_bytes()

    assert certificates.ensure(tmp_path, NOON + timedelta(days=300)) == first
    assert first.server_file.read_bytes() == content


def test_the_server_certificate_is_renewed_in_its_last_month_and_the_authority_stays(tmp_path: Path) -> None:
    files = certificates.ensure(tmp_path, NOON)
    server, authority = files.server_file.read_bytes(), files.ca_file.read_bytes()

    certificates.ensure(tmp_path, NOON + timedelta(days=340))

    assert files.server_file.read_bytes() != server
    assert files.ca_file.read_bytes() == authority


def test_a_new_authority_signs_the_server_anew(tmp_path: Path) -> None:
    files = certificates.ensure(tmp_path, NOON)
    files.ca_file.unlink()

    certificates.ensure(tmp_path, NOON)

    load(files.server_file).verify_directly_issued_by(load(files.ca_file))


def test_a_key_that_is_not_the_certificates_is_replaced_with_it(tmp_path: Path) -> None:
    files = certificates.ensure(tmp_path, NOON)
    server = files.server_file.read_bytes()
    files.server_key_file.write_bytes((tmp_path / "ca-key.pem").read_bytes())

    certificates.ensure(tmp_path, NOON)

    assert files.server_file.read_bytes() != server
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.server_file, files.server_key_file)


def test_the_server_certificate_names_this_machine_and_nothing_else(tmp_path: Path) -> None:
    server = load(certificates.ensure(tmp_path, NOON).server_file)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_address("::1"),
    ]


def test_only_the_owner_may_read_what_is_made(tmp_path: Path) -> None:
    certificates.ensure(tmp_path, NOON)

    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def load(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())
