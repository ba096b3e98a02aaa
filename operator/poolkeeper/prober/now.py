"""One run now, by this machine's clock and dice."""

import secrets

from poolkeeper.api.proberesult import ProbeResult
from poolkeeper.clock import precise_now
from poolkeeper.prober.files import Files
from poolkeeper.prober.run import run

NONCE_BYTES = 8
FIRST_SAMPLE_BELOW = 1 << 20


async def probe_once(files: Files) -> ProbeResult:
    return await run(files, precise_now, lambda: secrets.token_hex(NONCE_BYTES), secrets.randbelow(FIRST_SAMPLE_BELOW))
