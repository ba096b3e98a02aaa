"""Does something else change a child back again and again? Another operator, an autoscaler made by hand, a GitOps tool.
Pure: the time is an argument.

One edit is put right at once. A child that has to be put right MANY times within WINDOW_S is contested: from then on it
is written once in PACE_S only, so that its Pods are not replaced all the time, until nobody has changed it for CALM_S.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from poolkeeper.api.labels import FIELD_MANAGER
from poolkeeper.kube.json_fields import rows, text
from poolkeeper.kube.store import Ref

MANY = 5
WINDOW_S = 60.0
PACE_S = 30.0
CALM_S = 120.0
SCALES = " (it scales: a HorizontalPodAutoscaler of somebody else? spec.router.autoscaling makes one of the pool)"


@dataclass
class _Quarrel:
    written_s: list[float] = field(default_factory=list)
    needed_s: float = 0.0
    is_contested: bool = False


class Contest:
    def __init__(self) -> None:
        self._quarrels: dict[Ref, _Quarrel] = {}

    def may_restore(self, ref: Ref, now_s: float) -> bool:
        """It is not as we wrote it last, though we want the same: may it be written again now?"""
        quarrel = self._quarrels.setdefault(ref, _Quarrel())
        if quarrel.is_contested and now_s - quarrel.needed_s > CALM_S:
            quarrel = self._quarrels[ref] = _Quarrel()
        quarrel.needed_s = now_s
        quarrel.written_s = [at_s for at_s in quarrel.written_s if now_s - at_s <= WINDOW_S]
        quarrel.is_contested = quarrel.is_contested or len(quarrel.written_s) >= MANY
        if quarrel.is_contested and quarrel.written_s and now_s - quarrel.written_s[-1] < PACE_S:
            return False
        quarrel.written_s.append(now_s)
        return True

    def is_contested(self, ref: Ref) -> bool:
        quarrel = self._quarrels.get(ref)
        return quarrel is not None and quarrel.is_contested

    def count(self, now_s: float) -> int:
        self._quarrels = {ref: quarrel for ref, quarrel in self._quarrels.items() if now_s - quarrel.needed_s <= CALM_S}
        return sum(quarrel.is_contested for quarrel in self._quarrels.values())


def others(body: Mapping[str, object] | None) -> tuple[str, ...]:
    """The field managers that wrote the object, the last first, without us; another operator has our own name. What
    scales it is an autoscaler that somebody has made."""
    entries = sorted(rows(body, "metadata", "managedFields"), key=lambda entry: text(entry, "time"), reverse=True)
    names = [
        text(entry, "manager") + (SCALES if text(entry, "subresource") == "scale" else "")
        for entry in entries
        if text(entry, "subresource") != "status"
    ]
    return tuple(dict.fromkeys(name for name in names if name and name != FIELD_MANAGER))
