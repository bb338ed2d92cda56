"""Addresses: how they are shown, and which names may be a host's."""

import pytest

from berth.endpoint import Endpoint, is_host, without_credentials


@pytest.mark.parametrize("password", ["secret", "se@cret", "se:cret", "se/cret", "s@e/cret", "se cret"])
def test_a_password_is_never_shown(password: str) -> None:
    assert without_credentials(f"ftp://me:{password}@host:21/model") == "ftp://host:21/model"
    assert without_credentials(f"403 for ftp://me:{password}@host/x)") == "403 for ftp://host/x)"


@pytest.mark.parametrize(
    "text",
    [
        "http://[::1]:8080/name@1",
        "http://host:8080: refused org/name@v1",
        "gs://bucket: no access for sa@project.example",
    ],
)
def test_a_sentence_without_credentials_is_left_alone(text: str) -> None:
    assert without_credentials(text) == text


@pytest.mark.parametrize(
    "address", ["org/name@v1", "name@v1", "hf://org/name@v1", "gs://bucket/name@1", "http://host:8080/name@1:2"]
)
def test_an_address_without_one_is_shown_whole(address: str) -> None:
    assert without_credentials(address) == address


@pytest.mark.parametrize("host", ["", ".svc", "a..b", "a" * 64, "a\0b"])
def test_what_no_resolver_takes_is_no_host(host: str) -> None:
    assert not is_host(host)
    with pytest.raises(ValueError):  # noqa: PT011 - its words are the caller's
        Endpoint.parse("key", f"{host}:80")


@pytest.mark.parametrize("host", ["a" * 63, "host.example.", "b\u00fccher.example", "127.0.0.1", "::1", "a_b"])
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "127.0.0.2", "::1"])
def test_loopback_has_many_names(host: str) -> None:
    assert Endpoint(key="key", host=host, port=80).is_loopback
