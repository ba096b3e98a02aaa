// Where requests go now: the routers, the tiers, the endpoints. A line is as thick as its share, and moves while requests
// came in the last step. Who sees no picture hears the sentence.

import { drawing } from "./dom.js";

const [ROW, LEFT, RIGHT, WIDTH] = [26, 92, 300, 640];
const STATES = { good: "✓", bad: "✗", warn: "?" };

const kindOf = (endpoint) => (endpoint.isUsable ? "good" : endpoint.health === "Unknown" ? "warn" : "bad");

const isMoving = (endpoint) => endpoint.steps.slice(-2).some((step) => step !== null && step.requests > 0);

const told = (pool) => pool.endpoints.map((endpoint) =>
  `${endpoint.name}, tier ${endpoint.tier}: ${endpoint.sharePercent === null ? "no requests lately" : `${endpoint.sharePercent} % of requests`}`
  + `${endpoint.isUsable ? "" : ", not usable"}`).join("; ");

const line = (endpoint, y, middle) => {
  const share = endpoint.sharePercent ?? 0;
  const kind = ["flow", kindOf(endpoint), isMoving(endpoint) ? "moving" : ""].filter(Boolean).join(" ");
  return drawing("path", { class: kind, "stroke-width": (1 + share / 14).toFixed(1),
    d: `M${LEFT} ${middle} C ${LEFT + 90} ${middle}, ${RIGHT - 90} ${y}, ${RIGHT - 10} ${y}` });
};

const label = (endpoint, y) => {
  const share = endpoint.sharePercent === null ? "–" : `${endpoint.sharePercent} %`;
  return drawing("text", { class: kindOf(endpoint), x: RIGHT, y: y + 5 },
    `${STATES[kindOf(endpoint)]} tier ${endpoint.tier}  ${endpoint.name}  ${share}  ${endpoint.inFlight}/${endpoint.limit}`);
};

export const topology = (pool) => {
  const height = Math.max(1, pool.endpoints.length) * ROW;
  const middle = height / 2;
  const rows = pool.endpoints.map((endpoint, index) => [endpoint, index * ROW + ROW / 2]);
  return drawing("svg", { class: "topology", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `where requests go: ${told(pool)}` },
    rows.map(([endpoint, y]) => line(endpoint, y, middle)),
    drawing("text", { class: "hub", x: 0, y: middle + 5 }, `${pool.routers} router${pool.routers === 1 ? "" : "s"}`),
    rows.map(([endpoint, y]) => label(endpoint, y)));
};
