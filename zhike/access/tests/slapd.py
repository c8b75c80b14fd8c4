"""A real directory for tests: OpenLDAP's slapd on the loopback, with TLS, invented people and groups."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SLAPD = "/usr/sbin/slapd"
BASE = "dc=bank,dc=example"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
SERVICE, SERVICE_PASSWORD = f"cn=zhike,{BASE}", "the-service-passphrase"
PASSWORD = "a-passphrase-of-the-directory"
READY_SECONDS = 20

CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {home}/pid
TLSCertificateFile {home}/server.pem
TLSCertificateKeyFile {home}/server.key
database mdb
maxsize 10485760
suffix "{base}"
rootdn "cn=root,{base}"
rootpw root
directory {home}/data
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""


@dataclass(frozen=True)
class Directory:
    """`plain` wants StartTLS, `secure` is TLS from the first byte; `authority` is who signed its certificate."""

    plain: str
    secure: str
    authority: Path
    home: Path

    def change(self, ldif: str) -> None:
        """Apply LDIF as the directory's own administrator."""
        call = ["ldapmodify", "-x", "-H", self.plain, "-D", f"cn=root,{BASE}", "-w", "root"]
        subprocess.run(call, input=ldif, text=True, check=True, capture_output=True)

    def put_in(self, group: str, login: str) -> None:
        self._member("add", group, login)

    def take_out(self, group: str, login: str) -> None:
        self._member("delete", group, login)

    def _member(self, how: str, group: str, login: str) -> None:
        self.change(
            f"dn: cn={group},{GROUPS}\nchangetype: modify\n{how}: member\n"
            f"member: uid={login},{PEOPLE}\n"
        )


def person(login: str, number: str) -> str:
    """An entry as LDIF; without a number when it is empty."""
    numbered = f"employeeNumber: {number}\n" if number else ""
    return (
        f"dn: uid={login},{PEOPLE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {login}\n"
        f"cn: {login}\nsn: {login}\n{numbered}userPassword: {PASSWORD}\n"
    )


def group(name: str) -> str:
    return (
        f"dn: cn={name},{GROUPS}\nchangetype: add\nobjectClass: groupOfNames\ncn: {name}\n"
        f"member: {SERVICE}\n"
    )


def _ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


def write_certificate(home: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that signs itself; answers where the certificate lies."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "directory")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = home / "server.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (home / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@contextmanager
def running(home: Path) -> Iterator[Directory]:
    """The directory until the end of the block; fails when slapd is not installed (`make system`)."""
    (home / "data").mkdir()
    authority = write_certificate(home)
    (home / "slapd.conf").write_text(CONFIGURATION.format(home=home, base=BASE))
    plain, secure = (
        f"{scheme}://127.0.0.1:{port}"
        for scheme, port in zip(("ldap", "ldaps"), _ports(2), strict=True)
    )
    call = [SLAPD, "-f", str(home / "slapd.conf"), "-h", f"{plain} {secure}", "-d", "0"]
    with (home / "log").open("wb") as log, subprocess.Popen(call, stdout=log, stderr=log) as server:
        try:
            _until_open(int(plain.rpartition(":")[2]), server, home)
            directory = Directory(plain, secure, authority, home)
            directory.change(
                f"dn: {BASE}\nchangetype: add\nobjectClass: dcObject\nobjectClass: organization\no: bank\n\n"
                f"dn: {PEOPLE}\nchangetype: add\nobjectClass: organizationalUnit\n\n"
                f"dn: {GROUPS}\nchangetype: add\nobjectClass: organizationalUnit\n\n"
                f"dn: {SERVICE}\nchangetype: add\nobjectClass: organizationalRole\n"
                f"objectClass: simpleSecurityObject\nuserPassword: {SERVICE_PASSWORD}\n"
            )
            yield directory
        finally:
            server.terminate()
            server.wait(20)


def _until_open(port: int, server: subprocess.Popen[bytes], home: Path) -> None:
    deadline = monotonic() + READY_SECONDS
    while monotonic() < deadline:
        if server.poll() is not None:
            raise AssertionError(f"slapd ended:\n{(home / 'log').read_text()}")
        with closing(socket.socket()) as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.05)
    raise AssertionError("slapd does not answer")
