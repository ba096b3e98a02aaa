// The last hour of every pool: who was well when, how long first tokens took, what failed, what it cost. Pictures are
// drawn by charts.js; the same numbers stand below them as a table.

import { drawCharts } from "./charts.js";
import { drawing, element, patch } from "./dom.js";

const STATES = { Well: ["good", 20, "well"], Unknown: ["warn", 8, "not known"], Trying: ["warn", 13, "tried again"], Out: ["bad", 20, "out"] };
const [CELL, HEIGHT] = [10, 20];

const clockOf = (beganMs, index) =>
  new Date(beganMs + index * 60000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });

const summary = (endpoint) => {
  const seen = endpoint.hour.filter((minute) => minute !== null);
  const count = (state) => seen.filter((minute) => minute.state === state).length;
  const bad = ["Out", "Trying", "Unknown"].filter(count).map((state) => `${count(state)} min ${STATES[state][2]}`);
  return seen.length === 0 ? "nothing seen yet" : bad.length ? bad.join(", ") : `well for all ${seen.length} min seen`;
};

// A state is told by the height of its cell as well as by its colour.
const cells = (endpoint, beganMs) => drawing("svg", { class: "heat", viewBox: `0 0 ${60 * CELL} ${HEIGHT}`, preserveAspectRatio: "none",
  role: "img", "aria-label": `${endpoint.name}, the last hour: ${summary(endpoint)}` },
  endpoint.hour.map((minute, index) => {
    if (minute === null) return null;
    const [kind, tall, word] = STATES[minute.state];
    return drawing("rect", { class: kind, x: index * CELL, y: HEIGHT - tall, width: CELL - 1, height: tall },
      drawing("title", {}, `${clockOf(beganMs, index)} ${endpoint.name}: ${word}, ${minute.requests} requests`));
  }));

const heatmap = (pool, beganMs) => element("table", { class: "heatmap" },
  element("caption", {}, "Health: full green is well, full red is out, half is tried again, a quarter is not known"),
  element("tbody", {}, pool.endpoints.map((endpoint) => element("tr", {},
    element("th", { scope: "row" }, endpoint.name), element("td", {}, cells(endpoint, beganMs)), element("td", {}, summary(endpoint))))),
  element("tfoot", {}, element("tr", {}, element("td", {}), element("td", { class: "ends" },
    element("span", {}, clockOf(beganMs, 0)), element("span", {}, "now")), element("td", {}))));

const money = (cost) => Object.entries(cost).filter(([, amount]) => amount > 0).map(([currency, amount]) => `${amount.toFixed(4)} ${currency}`).join(", ");

const total = (endpoint) => {
  const sums = {};
  for (const minute of endpoint.hour) {
    for (const [currency, amount] of Object.entries(minute?.cost ?? {})) sums[currency] = (sums[currency] ?? 0) + amount;
  }
  return money(sums) || "–";
};

const HEADS = ["minute", "endpoint", "requests", "429", "5xx", "other errors", "p50 ms", "p90 ms", "p99 ms", "cost"];

const figures = (pool, beganMs) => element("details", {},
  element("summary", {}, "the same as a table"),
  element("table", { class: "figures" },
    element("thead", {}, element("tr", {}, HEADS.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, pool.endpoints.flatMap((endpoint) => endpoint.hour.map((minute, index) =>
      minute === null || minute.requests === 0 ? null : element("tr", {}, [clockOf(beganMs, index), endpoint.name, minute.requests,
        minute.limited, minute.serverErrors, minute.otherErrors, minute.p50Ms ?? "–", minute.p90Ms ?? "–", minute.p99Ms ?? "–",
        money(minute.cost) || "–"].map((cell) => element("td", {}, cell))))))));

const costs = (pool) => element("p", { class: "facts" }, "cost in this hour, as far as this page has seen it: ",
  pool.endpoints.map((endpoint) => `${endpoint.name} ${total(endpoint)}`).join("; "));

const section = (pool) => {
  const beganMs = Date.parse(pool.hourBegan);
  return element("section", { "data-pool": pool.name }, element("h2", {}, `${pool.name}: the last hour`),
    heatmap(pool, beganMs), costs(pool), figures(pool, beganMs));
};

export const hour = (root, board) => {
  board.pools.forEach((pool, index) => {
    if (!root.children[index]) root.append(element("div", {}, element("section", {}), element("div", { class: "charts" })));
    patch(root.children[index].children[0], section(pool));
    drawCharts(root.children[index].children[1], pool);
  });
  [...root.children].slice(board.pools.length).forEach((gone) => gone.remove());
};
