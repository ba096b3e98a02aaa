"""The real cosign, as somebody calls it who has a public key and what it should have signed. No public log is asked."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


def built(root: Path) -> Path:
    """Compiled into the cache, once."""
    build = root / "hack/cluster/build.sh"
    subprocess.run([build, "cosign"], check=True)
    folder = subprocess.run([build, "--dir", "cosign"], capture_output=True, text=True, check=True).stdout.strip()
    return Path(folder) / "cosign"


def version(root: Path) -> str:
    pins = (root / "hack/cluster/cosign/go.mod").read_text().split()
    return pins[pins.index("github.com/sigstore/cosign/v3") + 1]


def stranger(folder: Path) -> Path:
    """The public key of somebody who signed nothing."""
    key, public = folder / "stranger.pem", folder / "stranger.pub"
    subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", key], check=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    return public


@dataclass(frozen=True)
class Cosign:
    program: Path
    public: Path

    def takes_file(self, file: Path) -> bool:
        return self._verify("verify-blob", "--signature", f"{file}.sig", file)

    def takes_image(self, reference: str) -> bool:
        return self._verify("verify", "--new-bundle-format=false", "--allow-http-registry", reference)

    def _verify(self, verb: str, *words: str | Path) -> bool:
        how: list[str | Path] = ["--key", self.public, "--insecure-ignore-tlog"]
        return subprocess.run([self.program, verb, *how, *words], capture_output=True).returncode == 0
