"""httpx for tests: all they ask is plain HTTP.

httpx reads the system's certificates for every client it makes, and for every request without one, and that takes ten
times as long as the request. These clients share a context that has read none, and trusts nobody.
"""

import ssl
from functools import partial

import httpx

TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TRUSTS_ANYBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For a server of the test, on loopback, that made its certificate itself: verify=TRUSTS_ANYBODY."""
TRUSTS_ANYBODY.check_hostname = False
TRUSTS_ANYBODY.verify_mode = ssl.CERT_NONE

request = partial(httpx.request, verify=TRUSTS_NOBODY, trust_env=False)
get = partial(httpx.get, verify=TRUSTS_NOBODY, trust_env=False)
post = partial(httpx.post, verify=TRUSTS_NOBODY, trust_env=False)
stream = partial(httpx.stream, verify=TRUSTS_NOBODY, trust_env=False)
Client = partial(httpx.Client, verify=TRUSTS_NOBODY, trust_env=False)
AsyncClient = partial(httpx.AsyncClient, verify=TRUSTS_NOBODY, trust_env=False)
