"""What a probe finds in its file system, under the same names in a Pod and in the folder of a `poolkeeper run`."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from poolkeeper.api.probedoc import ProbedEndpointDoc, ProbeDoc
from poolkeeper.api.routerdoc import Credential
from poolkeeper.errors import UserError
from poolkeeper.probing.samples import Samples, parse

DOCUMENT = "probe.json"
SAMPLES = "samples.jsonl"
LARGEST_SAMPLES_BYTES = 1 << 20


@dataclass(frozen=True)
class Files:
    """root: with the folders config, credentials, ca and samples in it; all but the first may be missing."""

    root: Path

    def document(self) -> ProbeDoc:
        path = self.root / "config" / DOCUMENT
        try:
            return ProbeDoc.model_validate_json(path.read_bytes())
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}; it is what says whom to probe") from None
        except ValidationError as error:
            where = ", ".join(".".join(map(str, wrong["loc"])) for wrong in error.errors()[:3])
            raise UserError(f"{path} is of another version than this prober; it does not fit at: {where}") from None

    def key(self, credential: Credential) -> str | None:
        """None: missing, empty, or nothing that could be sent."""
        try:
            key = (self.root / "credentials" / credential.file).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return key if key.isprintable() and key else None

    def tls(self, endpoint: ProbedEndpointDoc) -> ssl.SSLContext | None:
        """The system's authorities, and the endpoint's own beside them."""
        if endpoint.tls is None:
            return None
        context = ssl.create_default_context()
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if endpoint.tls.ca_file:
            own = self.root / "ca" / endpoint.tls.ca_file
            if own.is_file():
                try:
                    context.load_verify_locations(own)
                except ssl.SSLError:
                    return context  # then nothing is signed by it, which is what a probe will find
        return context

    def samples(self) -> Samples:
        """The user's, or none: then the built-in one is asked."""
        path = self.root / "samples" / SAMPLES
        if not path.is_file():
            return Samples(())
        with path.open("rb") as file:
            return parse(file.read(LARGEST_SAMPLES_BYTES).decode("utf-8", "replace"))
