"""The label and annotation keys, and the name under which the operator owns fields."""

from poolkeeper.api.base import GROUP

FIELD_MANAGER = "poolkeeper"
"""Server-side apply: the one field manager of everything the operator writes."""
CLI_FIELD_MANAGER = "poolkeeper-cli"
"""Of what people change by `poolkeeper failover` and the like."""

NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"
PART_OF = "app.kubernetes.io/part-of"
MANAGED_BY = "app.kubernetes.io/managed-by"

POOL = f"{GROUP}/pool"
"""Label on every child: the name of its pool."""

PAUSED = f"{GROUP}/paused"
"""Annotation on a pool, set by people: "true" leaves children and router as they are."""
FAILOVER_TO = f"{GROUP}/failover-to"
"""Annotation on a pool, set by people: the tier that serves until the annotation goes (manual hold)."""
FAILED_BACK_AT = f"{GROUP}/failed-back-at"
"""Annotation on a pool, set by `poolkeeper failback`: when that was. Under failback Manual it frees what is held."""
DRAIN_PREFIX = f"{GROUP}/drain-"
"""Annotation on a pool, this and an endpoint's name, set by people: "true" drains the endpoint. One annotation an
endpoint, so that two people can drain two of them at the same time."""

CONFIG_HASH = f"{GROUP}/config-hash"
"""Annotation on children: the hash of what was rendered; a different one means a roll-out."""
TEMPLATE_HASH = f"{GROUP}/template-hash"
"""Annotation on the routers' Deployment: the hash of its Pods' template as rendered; a different one means new Pods."""
CONFIG_GENERATION = f"{GROUP}/config-generation"
"""Annotation on router Pods: the router document's generation. Changing it makes the kubelet sync volumes at once."""
NEWS_PUBLISHED = f"{GROUP}/news-told"
"""Annotation on router Pods: when probes last found that what is open was answered. Changing it has the same effect."""
KEYS_AWAITED = f"{GROUP}/keys-awaited"
"""Annotation on router Pods: when a missing or refused key was last looked for. Changing it has the same effect."""
