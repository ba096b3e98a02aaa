"""Starts routers of the source tree on PYTHONPATH, for the guard: that may be an older tree than this file's, which
plans its own document. Takes {folder, url, core, spec, count} as JSON; writes [base_url, pid] of each; stops at the end
of its input."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from testing.gateways.gateway import Endpoint, Pool
from testing.gateways.poolkeeper import Poolkeeper


def main(wanted: dict[str, Any]) -> None:
    pool = Pool([Endpoint("provider", wanted["url"], "sk-bench")])
    gateway = Poolkeeper(lambda policy: wanted["spec"])
    with ExitStack() as stack:
        folders = [Path(wanted["folder"]) / str(number) for number in range(wanted["count"])]
        routers = [stack.enter_context(gateway.start(folder, pool, wanted["core"])) for folder in folders]
        print(json.dumps([[router.base_url, router.pid] for router in routers]), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
