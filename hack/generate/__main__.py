"""`python -m hack.generate [--check]`: write every generated file, or list those that are not what the models say."""

import sys

from hack.generate.files import ROOT, generated, stale


def main(arguments: list[str]) -> int:
    files = generated()
    if "--check" in arguments:
        differing = stale(files)
        print("\n".join(differing) or f"{len(files)} generated files are what the models say")
        return 1 if differing else 0
    for path, content in files.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
