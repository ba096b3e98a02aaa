"""What a probe finds in its file system, under the same names in a Pod and in the folder of a `poolkeeper run`."""

import re
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from poolkeeper.api.probe_document import ProbedEndpointDoc, ProbeDoc
from poolkeeper.api.router_document import Credential
from poolkeeper.errors import UserError
from poolkeeper.probing.samples import Samples, parse

DOCUMENT = "probe.json"
SAMPLES = "samples.jsonl"
LARGEST_SAMPLES_BYTES = 1 << 20
_KEY = re.compile(rb"[!-~]{1,8192}")


@dataclass(frozen=True)
class Files:
    """root: with the folders config, credentials, ca and samples in it; all but the first may be missing."""

    root: Path

    def document(self) -> ProbeDoc:
        path = self.root / "config" / DOCUMENT
        try:
            return ProbeDoc.model_validate_json(path.read_bytes())
        except OSError as error:
            wanted = "it says whom to probe, in a Pod of the probe; by hand: poolkeeper probe --now POOL"
            raise UserError(f"{path} cannot be read: {error.strerror}; {wanted}") from None
        except ValidationError as error:
            where = ", ".join(".".join(map(str, wrong["loc"])) for wrong in error.errors()[:3])
            raise UserError(f"{path} is of another version than this prober; it does not fit at: {where}") from None

    def key(self, credential: Credential) -> str | None:
        """None: missing, or no key."""
        try:
            return _key(self.root / "credentials" / credential.file)
        except OSError:
            return None

    def tls(self, endpoints: Iterable[ProbedEndpointDoc]) -> Mapping[str, ssl.SSLContext]:
        """By name, for those that speak it. Reading authorities takes tens of milliseconds of processor time: do it
        before anything is timed."""
        encrypted = [(one.name, one.tls.ca_file) for one in endpoints if one.tls]
        system = _trusting() if encrypted else None
        found = ((name, self._trusted(ca_file) or system) for name, ca_file in encrypted)
        return {name: context for name, context in found if context}

    def _trusted(self, ca_file: str | None) -> ssl.SSLContext | None:
        own = self.root / "ca" / ca_file if ca_file else None
        return _trusting(own) if own and own.is_file() else None

    def samples(self) -> Samples:
        """The user's, or none: then the built-in one is asked."""
        path = self.root / "samples" / SAMPLES
        if not path.is_file():
            return Samples(())
        with path.open("rb") as file:
            return parse(file.read(LARGEST_SAMPLES_BYTES).decode("utf-8", "replace"))


def _key(path: Path) -> str | None:
    """As the router reads it (core/http/api_key.lua)."""
    key = path.read_bytes().rstrip(b"\r\n")
    return key.decode() if _KEY.fullmatch(key) else None


def _trusting(own: Path | None = None) -> ssl.SSLContext:
    """The system's authorities, and these beside them."""
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if own:
        with suppress(ssl.SSLError):  # then nothing is signed by it, which is what a probe will find
            context.load_verify_locations(own)
    return context
