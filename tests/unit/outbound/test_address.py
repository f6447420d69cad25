"""Where outbound webhooks may go: each way that leads inside is refused."""

from ipaddress import ip_address

import pytest

from points_ledger.domain.outbound_address import Target, may_connect, parse_target


def test_a_url_is_taken_apart() -> None:
    target = parse_target("https://hooks.example.org/a/b?c=d", allow_loopback=False)

    assert target == Target(scheme="https", host="hooks.example.org", port=443, path="/a/b?c=d")
    assert target.authority == "hooks.example.org"


def test_a_port_is_kept_and_named_in_the_host_header() -> None:
    target = parse_target("https://[2606:4700::1]:8443", allow_loopback=False)

    assert (target.host, target.port, target.path) == ("2606:4700::1", 8443, "/")
    assert target.authority == "[2606:4700::1]:8443"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "http://127.0.0.1/",
        "ftp://hooks.example.org/",
        "//hooks.example.org/",
        "hooks.example.org",
        "https://",
        "https:///path",
        "https://user@hooks.example.org/",
        "https://user:word@hooks.example.org/",
        "https://@hooks.example.org/",
        "https://hooks.example.org/#part",
        "https://hooks.example.org/#",
        "https://hooks.example.org:0/",
        "https://hooks.example.org:99999/",
        "https://hooks.example.org:abc/",
        "https://hooks..example.org/",
        "https://-hooks.example.org/",
        "https://hooks.example.org/ path",
        "https://hooks.example.org/\r\nhost: other",
        "https://hooks.example.org\\@127.0.0.1/",
        "https://höoks.example.org/",
        "https://[::1/",
        "https://[hooks.example.org]/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        f"https://hooks.example.org/{'a' * 1000}",
    ],
)
def test_a_url_that_may_not_be_posted_to_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_target(url, allow_loopback=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "http://localhost/", "http://[::1]/"])
def test_the_machine_itself_is_allowed_where_somebody_says_so(url: str) -> None:
    assert parse_target(url, allow_loopback=True).scheme == "http"


@pytest.mark.parametrize("url", ["http://hooks.example.org/", "http://10.0.0.1/"])
def test_that_allows_nothing_else(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        parse_target(url, allow_loopback=True)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "192.0.1.1", "223.255.255.254", "2606:4700::1", "2a00:1450::5"],
)
def test_a_public_address_may_be_connected_to(address: str) -> None:
    assert may_connect(ip_address(address), allow_loopback=False)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8"),  # noqa: S104 - refused
        *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.170"),
        *("192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "192.88.99.1"),
        *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "64:ff9b::7f00:1"),
        *("64:ff9b:1::1", "100::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0"),
        *("fec0::1", "ff02::1", "2001::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::"),
        *("3fff::1", "4000::1"),
    ],
)
def test_any_other_address_may_not(address: str) -> None:
    assert not may_connect(ip_address(address), allow_loopback=False)
