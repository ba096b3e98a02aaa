"""What has been written to a log since the last look, by its name, also when it was rotated."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

READ_BYTES = 8 << 20
"""In one look; the next look goes on from there."""


@dataclass
class FollowedFile:
    """read_bytes: of the file, as far as lines are whole. inode: of the file that was read; 0: none yet."""

    path: Path
    read_bytes: int = 0
    inode: int = 0

    def new_lines(self) -> Sequence[str]:
        """A file that does not exist has none. After a rotation (emptied, or another file) the rest of the old one is
        in the file beside it, if that is named as logrotate and `poolkeeper run` name it."""
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return ()
        before: Sequence[str] = ()
        if self.inode and (now.st_ino != self.inode or now.st_size < self.read_bytes):
            before = self._read(self.path.with_name(f"{self.path.name}.1"))
            self.read_bytes = 0
        self.inode = now.st_ino
        return [*before, *self._read(self.path)]

    def _read(self, path: Path) -> Sequence[str]:
        try:
            with path.open("rb") as file:
                file.seek(self.read_bytes)
                data = file.read(READ_BYTES)
        except FileNotFoundError:
            return ()
        whole, end, _ = data.rpartition(b"\n")
        self.read_bytes += len(whole) + len(end)
        return whole.decode("utf-8", "replace").split("\n") if end else ()
