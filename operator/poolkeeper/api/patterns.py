"""The patterns of the rules: an absolute URL, its host in CEL, and the names in a request that are the router's own."""

from poolkeeper.api.endpoint import HOST_IN_URL


def cel_text(text: str) -> str:
    return "r'" + text + "'"


_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_LAST_LABEL = "([A-Za-z][A-Za-z0-9-]*|[0-9]+[A-WYZa-wyz-][A-Za-z0-9-]*)"  # not 127.1, 0177.0.0.1, 0x7f: addresses too
_HOST = rf"({_OCTET}([.]{_OCTET}){{3}}|({_LABEL}[.])*{_LAST_LABEL}[.]?|\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\])"
_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
URL = rf"^https?://([^/?#]*@)?{_HOST}(:{_PORT})?([/?#].*)?$"

# Not url(self).getHostname(): the API server takes that for a string of any length and refuses the cost of a look.
HOSTNAME = f"self.lowerAscii().find({cel_text(HOST_IN_URL)}).replace('/', '').replace('[', '').replace(']', '')"
OWN_PARAMETERS = ("model", "messages", "input", "prompt", "stream", "stream_options", "n")
OWN_HEADERS = (
    "^(authorization|x-authorization|api-key|x-api-key|x-goog-api-key|cookie|set-cookie"
    "|accept|accept-encoding|content-.*|host|expect|range|if-.*|date|trailer|te|transfer-encoding|upgrade"
    "|connection|keep-alive|proxy-.*|x-request-id|x-poolkeeper-.*|traceparent|tracestate)$"
)
