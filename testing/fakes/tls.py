"""A throwaway certificate authority by the openssl command: server certificates for any names, valid for two days."""

import functools
import ipaddress
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

DAYS = "2"
LONG_AGO_DAYS = 87
LEAF_EXTENSIONS = """\
basicConstraints=critical,CA:FALSE
extendedKeyUsage=serverAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Certificate:
    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Authority:
    folder: Path
    certificate: Certificate

    @classmethod
    def create(cls, folder: Path, name: str = "throwaway test CA") -> "Authority":
        pair = Certificate(folder / "ca.crt", folder / "ca.key")
        files = ("-keyout", str(pair.key), "-out", str(pair.cert))
        usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # strict verifiers insist on it
        _openssl("req", "-x509", *CURVE, "-days", DAYS, "-subj", f"/CN={name}", *usage, *files)
        return cls(folder, pair)

    def issue(self, *names: str, expired: bool = False, old_and_left_days: int | None = None) -> Certificate:
        """A certificate for these DNS names and IP addresses; `expired` ends it in the past, `old_and_left_days` in so
        many days, after months of life."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        pair = Certificate(folder / "tls.crt", folder / "tls.key")
        request, extensions = folder / "tls.csr", folder / "tls.ext"
        names_line = f"subjectAltName={','.join(_alternative(name) for name in names)}\n"
        extensions.write_text(names_line + LEAF_EXTENSIONS)
        _openssl("req", "-new", *CURVE, "-subj", f"/CN={names[0]}", "-keyout", str(pair.key), "-out", str(request))
        if old_and_left_days is not None:
            self._sign_old(folder, request, extensions, pair.cert, old_and_left_days)
            return pair
        _openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.certificate.cert), "-CAkey", str(self.certificate.key),
            "-CAcreateserial", "-days", "-1" if expired else DAYS, "-extfile", str(extensions), "-out", str(pair.cert),
        )  # fmt: skip
        return pair

    def _sign_old(self, folder: Path, request: Path, extensions: Path, cert: Path, left_days: int) -> None:
        """`openssl ca` alone lets a certificate begin in the past; it wants a small database for that."""
        now = datetime.now(UTC)
        begins, ends = now - timedelta(days=LONG_AGO_DAYS), now + timedelta(days=left_days)
        (folder / "index.txt").touch()
        (folder / "ca.cnf").write_text(
            f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index.txt\nnew_certs_dir={folder}\nrand_serial=yes\n"
            "default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n"
        )
        _openssl(
            "ca", "-batch", "-notext", "-config", str(folder / "ca.cnf"), "-in", str(request), "-out", str(cert),
            "-cert", str(self.certificate.cert), "-keyfile", str(self.certificate.key), "-extfile", str(extensions),
            "-startdate", f"{begins:%Y%m%d%H%M%SZ}", "-enddate", f"{ends:%Y%m%d%H%M%SZ}",
        )  # fmt: skip


@functools.cache
def shared_authority() -> Authority:
    """One authority for the whole test process."""
    return Authority.create(Path(tempfile.mkdtemp(prefix="fake-ca-")))


@functools.cache
def unused_authority() -> Path:
    """A certificate that has signed nothing: all that a client trusts who is to trust none of the fakes."""
    return Authority.create(Path(tempfile.mkdtemp(prefix="fake-ca-")), "throwaway test CA of nobody").certificate.cert


def _alternative(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def _openssl(*arguments: str) -> None:
    done = subprocess.run(("openssl", *arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}")
