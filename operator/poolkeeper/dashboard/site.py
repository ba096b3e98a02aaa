"""What the dashboard answers to a request: pure except for its own files, which are read once.

Nobody logs in, so it is only for a browser that was sent to this very address. A page elsewhere whose name is made to
point here (DNS rebinding) is known by its Host header; the port in there is free, so that an ssh tunnel works.
"""

import html
import ipaddress
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import resources
from urllib.parse import parse_qsl

from poolkeeper.api.reasons import runbook

HTML, TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"
SCRIPTS = (
    "app.js",
    "view.js",
    "dom.js",
    "hour.js",
    "charts.js",
    "topology.js",
    "timeline.js",
    "search.js",
    "uplot.js",
)
FILES: Mapping[str, tuple[str, str]] = {
    "/": ("index.html", HTML),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    "/uplot.css": ("uplot.css", "text/css; charset=utf-8"),
    "/uplot-licence.txt": ("uplot-licence.txt", TEXT),
    **{f"/{name}": (name, "text/javascript; charset=utf-8") for name in SCRIPTS},
}
DOCUMENT = "/pools.json"
SEARCH = "/requests.json"
OWN_PAGE = frozenset({"", "same-origin", "none"})
"""Sec-Fetch-Site of a question that no other site's page asks; "": no browser does."""
RUNBOOKS = "/runbooks/"
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LONGEST_QUOTE = 80
MOST_FIELDS = 16
_RUNBOOK_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><link rel="stylesheet" href="/style.css">
<main><p><a href="/">back to the pools</a></p><pre class="runbook">{text}</pre></main>
"""


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes

    @property
    def headers(self) -> Mapping[str, str]:
        allow = {"Allow": "GET"} if self.status == 405 else {}
        return {"Content-Type": self.content_type, "Content-Length": str(len(self.body)), **HEADERS, **allow}


def no_search(asked: Mapping[str, str]) -> bytes:
    return b"{}"


class Site:
    """host: the address that is listened on. document: the page's JSON as it is now. names: by which browsers may call
    it, too. search: the JSON of the requests that are asked for."""

    def __init__(
        self,
        host: str,
        document: Callable[[], bytes],
        names: Collection[str] = (),
        search: Callable[[Mapping[str, str]], bytes] = no_search,
    ) -> None:
        self._host = host
        self._search = search
        self._names = frozenset(name.lower() for name in names)
        self._document = document
        root = resources.files("poolkeeper.dashboard")
        self._files = {
            path: Answer(200, kind, root.joinpath("static", name).read_bytes()) for path, (name, kind) in FILES.items()
        }
        self._runbooks = root.joinpath("runbooks")

    def answer(self, method: str, path: str, host: str, query: str = "", fetch_site: str = "") -> Answer:
        if not is_ours(host, self._host) and _without_port(host).lower() not in self._names:
            seen = repr(host[:LONGEST_QUOTE])
            return _refusal(403, f"seen Host {seen}; wanted the address that it listens on: {self._host}, or a --host")
        if method != "GET":
            return _refusal(405, "the dashboard only shows; wanted GET")
        if path == DOCUMENT:
            return Answer(200, "application/json", self._document())
        if path == SEARCH:
            return self._found(query, fetch_site)
        if path.startswith(RUNBOOKS):
            return self._runbook(path.removeprefix(RUNBOOKS))
        return self._files.get(path) or _refusal(404, "there is no such page; the dashboard is at /")

    def _found(self, query: str, fetch_site: str) -> Answer:
        """A search costs something, so another site's page may not even start one."""
        if fetch_site not in OWN_PAGE:
            return _refusal(403, "seen a search from another site's page; wanted one from the dashboard itself")
        try:
            asked = dict(parse_qsl(query, max_num_fields=MOST_FIELDS))
        except ValueError:
            return _refusal(400, f"wanted at most {MOST_FIELDS} fields")
        return Answer(200, "application/json", self._search(asked))

    def _runbook(self, word: str) -> Answer:
        if not runbook(word):
            return _refusal(404, "there is no runbook of that name; the dashboard is at /")
        text = self._runbooks.joinpath(f"{word}.md").read_text(encoding="utf-8")
        return Answer(200, HTML, _RUNBOOK_PAGE.format(title=word, text=html.escape(text)).encode())


def is_ours(header: str, listening: str) -> bool:
    """A name can be made to point anywhere, an address cannot: where every address is listened on, any is good."""
    host = _without_port(header)
    if host == listening:
        return True
    if host.lower() == "localhost":
        return _is(listening, "is_loopback") or _is(listening, "is_unspecified")
    return _is(listening, "is_unspecified") and _is_address(host)


def _without_port(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.rpartition(":")[0] if ":" in header else header


def _is(address: str, what: str) -> bool:
    return _is_address(address) and bool(getattr(ipaddress.ip_address(address), what))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _refusal(status: int, why: str) -> Answer:
    return Answer(status, TEXT, f"{why}\n".encode("ascii", "backslashreplace"))
