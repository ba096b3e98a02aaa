"""The picture in docs/dashboard.md, taken of the real page over a real run: `python -m hack.demo.picture`."""
