"""Signing in at a real broker over TLS: every client of ours does, and says what is wrong when it can't."""

from __future__ import annotations

import datetime
import importlib
import ipaddress
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tradewire.embedded.jars import fetch
from tradewire.embedded.kafka import KafkaPart
from tradewire.embedded.paths import StackPaths
from tradewire.embedded.ports import choose_ports
from tradewire.embedded.progress import quiet
from tradewire.embedded.server import Server
from tradewire.ports.bus import Outgoing, Place
from tradewire.ports.errors import FatalError, RetryableError, TradewireError
from tradewire.runtime.bus import connect, topics
from tradewire.runtime.bus.kafka_address import KafkaSecurity, split_address
from tradewire.runtime.observe.secrets import scrub

kafka_admin: Any = importlib.import_module("confluent_kafka.admin")  # its types leave out what it re-exports
USER, PASSWORD = "risk", "p@ss/wörd+1"
SECURED = """
listeners=PLAINTEXT://127.0.0.1:{kafka},CONTROLLER://127.0.0.1:{controller},CLIENTS://127.0.0.1:{clients}
advertised.listeners=PLAINTEXT://127.0.0.1:{kafka},CONTROLLER://127.0.0.1:{controller},CLIENTS://127.0.0.1:{clients}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENTS:SASL_SSL
listener.name.clients.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.clients.ssl.keystore.type=PEM
listener.name.clients.ssl.keystore.location={keystore}
"""


@dataclass(frozen=True, slots=True)
class Secured:
    """A broker that lets in by SCRAM over TLS, the file that signs its certificate, and a file with a password."""

    address: str
    ca_file: Path
    password_file: Path

    def url(self, *, user: str = USER, password: str = PASSWORD, ca_file: Path | None = None) -> str:
        """Its address for a user."""
        credentials = f"{quote(user, safe='')}:{quote(password, safe='')}"
        query = f"security_protocol=SASL_SSL&ssl_ca_file={ca_file or self.ca_file}"
        return f"kafka://{credentials}@{self.address}?{query}"


class SecuredKafka(KafkaPart):
    """The embedded broker with one more listener."""

    def __init__(self, paths: StackPaths, ports: Mapping[str, int], keystore: Path) -> None:
        super().__init__(paths, port=ports["kafka"], controller_port=ports["controller"])
        self._listener = SECURED.format(keystore=keystore, **ports)

    def prepare(self) -> None:
        super().prepare()
        with self._settings.open("a") as settings:
            settings.write(self._listener)


def _certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, certificate with its key) of this machine's loopback address, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=36_500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    ca_file, keystore = folder / "ca.pem", folder / "keystore.pem"
    ca_file.write_bytes(pem)
    keystore.write_bytes(private + pem)
    return ca_file, keystore


def _add_user(port: int) -> None:
    """Give the broker one user, over the listener that asks for none."""
    client = kafka_admin.AdminClient({"bootstrap.servers": f"127.0.0.1:{port}"})
    info = kafka_admin.ScramCredentialInfo(kafka_admin.ScramMechanism.SCRAM_SHA_512, 4096)
    user = kafka_admin.UserScramCredentialUpsertion(USER, info, PASSWORD.encode())
    for future in client.alter_user_scram_credentials([user]).values():
        future.result()


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    """The broker, with one user."""
    with tempfile.TemporaryDirectory(prefix="tradewire-secured-") as folder:
        root = Path(folder)
        paths = StackPaths.under(root)
        fetch(paths, registry=False)
        ca_file, keystore = _certificate(root)
        ports = choose_ports(("kafka", "controller", "clients"), asked={}, root=root)
        part = SecuredKafka(paths, ports, keystore)
        paths.logs.mkdir()
        part.prepare()
        server = Server(part, root=root)
        server.start()
        try:
            server.wait_ready(cancelled=Event(), progress=quiet)
            _add_user(ports["kafka"])
            password_file = root / "password"
            password_file.write_text(f"{PASSWORD}\n")
            yield Secured(f"127.0.0.1:{ports['clients']}", ca_file, password_file)
        finally:
            server.stop()


async def test_every_client_signs_in_over_tls_when_the_address_says_how(secured: Secured) -> None:
    url = secured.url()
    await topics.apply(url, await topics.plan(url, replication=1))
    assert (await topics.plan(url, replication=1)).empty
    bus = connect(url, client_id="tests")
    await bus.start()
    try:
        (ack,) = await bus.publish([Outgoing("market.candle.v1", b"x:Y", b"value")])
        place = Place(ack.topic, ack.partition)
        tail = await bus.tail({place: ack.offset})
        records = await tail.poll(max_records=1, timeout_s=30)
        await tail.close()
        assert [record.value for record in records] == [b"value"]
        assert await bus.committed("tests", [place]) == {place: None}
    finally:
        await bus.close()


async def test_password_of_a_mounted_file_signs_in(secured: Secured) -> None:
    query = f"security_protocol=SASL_SSL&ssl_ca_file={secured.ca_file}&password_file={secured.password_file}"
    bus = connect(f"kafka://{USER}@{secured.address}?{query}")
    await bus.start()
    await bus.close()
    assert PASSWORD not in scrub(f"it was {PASSWORD}")


@pytest.mark.parametrize(("user", "password"), [(USER, "wr0ng-word"), ("nobody", PASSWORD)])
async def test_wrong_credentials_are_tried_again_and_logged_with_the_cause(
    secured: Secured, user: str, password: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A user may be made after the service: the client's log says what is wrong, and shows no password."""
    bus = connect(secured.url(user=user, password=password))
    with pytest.raises(RetryableError) as refused:
        await bus.start()
    await bus.close()
    assert "invalid credentials with SASL mechanism SCRAM-SHA-512" in caplog.text
    assert password not in f"{refused.value}{caplog.text}"


async def test_broker_signed_by_another_is_not_spoken_to(secured: Secured, tmp_path: Path) -> None:
    other, _ = _certificate(tmp_path)
    bus = connect(secured.url(ca_file=other) + "&connect_s=3")
    with pytest.raises(TradewireError):
        await bus.start()
    await bus.close()


async def test_certificate_that_is_none_is_named(secured: Secured, tmp_path: Path) -> None:
    none = tmp_path / "ca.pem"
    none.write_text("no certificate")
    with pytest.raises(FatalError, match=r"ca\.pem: not readable as PEM"):
        await connect(secured.url(ca_file=none)).start()


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ("h:1?security_protocol=TLS", "security_protocol=TLS; allowed: PLAINTEXT, SASL_PLAINTEXT, SASL_SSL, SSL"),
        ("u:secret1@h:1", "a user or password with security_protocol=PLAINTEXT; allowed: SASL_PLAINTEXT, SASL_SSL"),
        ("h:1?security_protocol=SASL_SSL", "without a user and a password"),
        ("u@h:1?security_protocol=SASL_SSL", "without a user and a password"),
        ("u:p@h:1?security_protocol=SASL_SSL&sasl_mechanism=SCRAM", "sasl_mechanism=SCRAM; allowed: SCRAM-SHA-512"),
        ("h:1?security_protocol=SSL&ssl_ca_file=/none.pem", "ssl_ca_file=/none.pem: there is no such file"),
        ("h:1?security_protocol=SSL&ssl_cert_file=/none.pem", "one of ssl_cert_file and ssl_key_file"),
        ("h:1?ssl_ca_file=/none.pem", "with security_protocol=PLAINTEXT; allowed: SASL_SSL, SSL"),
    ],
)
def test_address_that_contradicts_itself_says_what_is_allowed_and_not_the_password(rest: str, says: str) -> None:
    with pytest.raises(ValueError, match="bus address") as refused:
        connect(f"kafka://{rest}")
    assert says in str(refused.value)
    assert "secret1" not in str(refused.value)


def test_brokers_user_and_bounds_are_told_apart() -> None:
    url = "kafka://a%40b:p%2Fw@one:9092,two:9092?security_protocol=SASL_PLAINTEXT&session_s=10"
    expected = KafkaSecurity("SASL_PLAINTEXT", user="a@b", password="p/w")
    assert split_address(url) == ("one:9092,two:9092", expected, {"session_s": "10"})
    assert "p/w" not in repr(expected)
