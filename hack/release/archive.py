"""Archives whose bytes depend on their content alone: sorted, one owner, one time."""

import gzip
import io
import tarfile
from collections.abc import Mapping

MODE, EXECUTABLE = 0o644, 0o755


def tar_gz(files: Mapping[str, bytes], time_s: int, executable: frozenset[str] = frozenset()) -> bytes:
    """Path in the archive -> content."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, compresslevel=9) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in sorted(files):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mtime = len(files[path]), time_s
            entry.mode = EXECUTABLE if path in executable else MODE
            archive.addfile(entry, io.BytesIO(files[path]))
    return packed.getvalue()
