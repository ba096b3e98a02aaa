"""What the kernel knows of a process: the time it had a core, split, and the memory it holds."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cpu:
    user_us: float
    system_us: float

    def since(self, earlier: "Cpu") -> "Cpu":
        return Cpu(self.user_us - earlier.user_us, self.system_us - earlier.system_us)


def cpu(pid: int) -> Cpu:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Cpu(int(fields[11]) * TICK_US, int(fields[12]) * TICK_US)


def running_us(pid: int) -> float:
    """User and system time together, to the nanosecond: short rounds need more than ticks."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1000


def memory_kib(pid: int) -> int:
    """Resident, shared memory included."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0
