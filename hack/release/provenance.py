"""Where a release's files come from: an in-toto statement with SLSA's predicate. hack/release/sign.sh signs it."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from hack.release.images import Image

BUILD_TYPE = "https://poolkeeper.dev/make-package/v1"


def statement(files: Sequence[Path], images: Sequence[Image], source: str, commit: str, builder: str) -> str:
    """source: the repository's address. builder: who ran the build; the forge's workflow, or a person's machine."""
    subjects = [{"name": file.name, "digest": {"sha256": sha256(file)}} for file in sorted(files)]
    subjects += [
        {"name": image.repository, "digest": {"sha256": image.digest.removeprefix("sha256:")}}
        for image in images
        if image.digest
    ]
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"verb": "make package"},
                "resolvedDependencies": [{"uri": f"git+{source}", "digest": {"gitCommit": commit}}],
            },
            "runDetails": {"builder": {"id": builder}},
        },
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def checksums(files: Sequence[Path]) -> str:
    """As `sha256sum --check` reads them."""
    return "".join(f"{sha256(file)}  {file.name}\n" for file in sorted(files))


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
