"""The EndpointPool: the endpoints of DeepSeek, and the routers in front."""

from typing import ClassVar, Literal

from poolkeeper.api.endpoint import Endpoint
from poolkeeper.api.pool_spec import EndpointPoolSpec
from poolkeeper.api.resource import Metadata, Resource
from poolkeeper.api.status import EndpointPoolStatus
from poolkeeper.api.value_types import ObjectName

__all__ = ["Endpoint", "EndpointPool", "EndpointPoolSpec", "EndpointPoolStatus", "PoolName"]


class PoolName(ObjectName):
    """Short, so that the names of children fit into a DNS label. The Service's begins with a letter (RFC 1035) before
    Kubernetes 1.36."""

    PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
    WANTED = "a letter, then lower-case letters, digits and '-', at most 40 so that the names of children fit"
    MAX_LENGTH = 40


class PoolMetadata(Metadata):
    name: PoolName


class EndpointPool(Resource):
    """A pool of endpoints that serve the same models, and the router that keeps it answering: clients use one address
    with OpenAI's API, and do not notice an endpoint that is busy, slow, failed or without credit."""

    PLURAL: ClassVar[str] = "endpointpools"
    SHORT_NAME: ClassVar[str] = "epool"

    kind: Literal["EndpointPool"] = "EndpointPool"
    metadata: PoolMetadata
    spec: EndpointPoolSpec
    status: EndpointPoolStatus = EndpointPoolStatus()
