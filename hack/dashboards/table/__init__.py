"""The dashboards: which panels, which queries. JSON, pictures, pages and checks are all made of this table."""

from hack.dashboards.table.cost import COST
from hack.dashboards.table.errors import ERRORS
from hack.dashboards.table.health import HEALTH
from hack.dashboards.table.latency import LATENCY
from hack.dashboards.table.overview import OVERVIEW

DASHBOARDS = (OVERVIEW, HEALTH, LATENCY, ERRORS, COST)
