"""A Kafka cluster's address: its brokers, how to sign in, and the bounds of the adapter, all in one URL.

``kafka://USER:PASSWORD@HOST:PORT[,HOST:PORT]?security_protocol=SASL_SSL&ssl_ca_file=/etc/kafka/ca.crt``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from aiokafka.helpers import create_ssl_context

from tradewire.ports.errors import FatalError
from tradewire.runtime.observe.secrets import remember_password, scrub

ENCRYPTED = frozenset({"SSL", "SASL_SSL"})
SIGNED_IN = frozenset({"SASL_PLAINTEXT", "SASL_SSL"})
PROTOCOLS = ("PLAINTEXT", *sorted(ENCRYPTED | SIGNED_IN))
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


@dataclass(frozen=True, slots=True)
class KafkaSecurity:
    """How clients sign in and encrypt, by the names that Kafka has for it.

    ``password_file`` is read for each connection that is made, so a password that is rotated is taken without a
    restart. ``ssl_ca_file``: PEM certificates that sign the brokers'; none: the system's. ``ssl_cert_file`` and
    ``ssl_key_file``: PEM certificate and key of this client, for mutual TLS.
    Raises ValueError when the parts contradict each other or a file is not there.
    """

    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-512"
    user: str = ""
    password: str = field(default="", repr=False)
    password_file: str = ""
    ssl_ca_file: str = ""
    ssl_cert_file: str = ""
    ssl_key_file: str = ""

    def __post_init__(self) -> None:
        _one_of("security_protocol", self.security_protocol, PROTOCOLS)
        _one_of("sasl_mechanism", self.sasl_mechanism, MECHANISMS)
        signs_in = self.security_protocol in SIGNED_IN
        if signs_in and not (self.user and (self.password or self.password_file)):
            raise ValueError(
                f"security_protocol={self.security_protocol} without a user and a password; "
                "allowed: kafka://USER:PASSWORD@HOST:PORT, or kafka://USER@HOST:PORT with password_file"
            )
        if not signs_in and (self.user or self.password or self.password_file):
            allowed = ", ".join(sorted(SIGNED_IN))
            raise ValueError(f"a user or password with security_protocol={self.security_protocol}; allowed: {allowed}")
        if self.password and self.password_file:
            raise ValueError("both a password and password_file; allowed: one of them")
        if self.security_protocol not in ENCRYPTED and (self.ssl_ca_file or self.ssl_cert_file or self.ssl_key_file):
            allowed = ", ".join(sorted(ENCRYPTED))
            raise ValueError(f"an ssl_… file with security_protocol={self.security_protocol}; allowed: {allowed}")
        if bool(self.ssl_cert_file) != bool(self.ssl_key_file):
            raise ValueError("one of ssl_cert_file and ssl_key_file; allowed: both or neither")
        for name in ("password_file", "ssl_ca_file", "ssl_cert_file", "ssl_key_file"):
            path = getattr(self, name)
            if path and not Path(path).is_file():
                raise ValueError(f"{name}={path}: there is no such file")

    def options(self) -> dict[str, Any]:
        """What every client of aiokafka is given. Raises FatalError when a file can't be read or is no PEM."""
        found: dict[str, Any] = {"security_protocol": self.security_protocol}
        if self.security_protocol in ENCRYPTED:
            found["ssl_context"] = self._ssl_context()
        if self.security_protocol in SIGNED_IN:
            found["sasl_mechanism"] = self.sasl_mechanism
            found["sasl_plain_username"] = self.user
            found["sasl_plain_password"] = self.password or self._password_of_file()
        return found

    def _ssl_context(self) -> Any:
        try:
            return create_ssl_context(
                cafile=self.ssl_ca_file or None, certfile=self.ssl_cert_file or None, keyfile=self.ssl_key_file or None
            )
        except OSError as error:  # ssl.SSLError is one
            names = ", ".join(filter(None, (self.ssl_ca_file, self.ssl_cert_file, self.ssl_key_file)))
            raise FatalError(f"Kafka: {names}: not readable as PEM: {error}") from error

    def _password_of_file(self) -> str:
        try:
            password = Path(self.password_file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise FatalError(f"Kafka: password_file={self.password_file} can't be read: {error}") from error
        remember_password(password)
        return password


def _one_of(name: str, found: str, allowed: tuple[str, ...]) -> None:
    if found not in allowed:
        raise ValueError(f"{name}={found}; allowed: {', '.join(allowed)}")


SECURITY_NAMES = frozenset(KafkaSecurity.__dataclass_fields__) - {"user", "password"}
"""What the query of an address may set."""


def split_address(url: str) -> tuple[str, KafkaSecurity, dict[str, str]]:
    """(brokers, security, the rest of the query) of an address. Raises ValueError."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    credentials, _, servers = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    named = {name: query.pop(name) for name in SECURITY_NAMES & query.keys()}
    try:
        return servers, KafkaSecurity(**named, user=unquote(user), password=unquote(password)), query
    except ValueError as error:
        raise ValueError(f"bus address {scrub(url)!r} has {error}") from None
