"""What an operator that runs here says on its port: /metrics, /healthz, /readyz."""

import urllib.error
import urllib.request


def page(port: int, name: str) -> tuple[int, str]:
    """Status and body; 0 while nobody answers. name: without a slash."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def metric(port: int, name: str) -> float:
    """The sum over all labels."""
    lines = page(port, "metrics")[1].splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))
