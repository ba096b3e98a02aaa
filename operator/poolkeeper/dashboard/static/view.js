// From the document to the page. Nothing is decided here but where things stand.
// A state is told by a sign and a word, and by colour only besides.

import { drawing, element } from "./dom.js";
import { timeline, whatChanged } from "./timeline.js";
import { topology } from "./topology.js";

const LEVELS = {
  Well: ["✓", "all is well", "good"], Look: ["▲", "needs a look", "warn"],
  Unknown: ["?", "not known yet", "warn"], Down: ["✗", "DOWN: not available", "bad"],
};
const BREAKERS = { Closed: ["●", "closed", "good"], HalfOpen: ["◐", "half-open", "warn"], Open: ["○", "OPEN", "bad"] };
const HEALTHS = { Healthy: ["✓", "healthy", "good"], Unhealthy: ["✗", "unhealthy", "bad"], Unknown: ["?", "unknown", "warn"] };
const UNITS = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
const [LINE_WIDTH, LINE_HEIGHT] = [120, 22];

const seconds = (at, nowMs) => Math.max(0, Math.floor((nowMs - Date.parse(at)) / 1000));

const age = (at, nowMs) => {
  const whole = seconds(at, nowMs);
  const [size, unit] = UNITS.find(([one]) => whole >= one) ?? [1, "s"];
  return `${Math.floor(whole / size)}${unit}`;
};

const clock = (at) => new Date(at).toLocaleTimeString([], { hour12: false });
const since = (at, nowMs) => element("time", { datetime: at, title: at }, `${age(at, nowMs)}, since ${clock(at)}`);
const mark = ([sign, word, kind]) => element("span", { class: `mark ${kind}` }, `${sign} ${word}`);
const time = (ms) => (ms === null ? "–" : ms >= 10000 ? `${(ms / 1000).toFixed(0)} s` : ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms} ms`);
const runbook = (word) => (word ? element("a", { href: `/runbooks/${word}`, target: "_blank" }, `runbook ${word}`) : null);

const bar = (part, whole, label, kind = "") => {
  const width = whole > 0 ? Math.min(100, (100 * part) / whole) : 0;
  return drawing("svg", { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": label },
    drawing("rect", { class: "track", width: 100, height: 8 }), drawing("rect", { class: `fill ${kind}`, width: width.toFixed(1), height: 8 }));
};

// Columns of what was asked, failures on top; where nobody looked there is nothing.
const columns = (steps) => {
  const most = Math.max(1, ...steps.map((step) => step?.requests ?? 0));
  const width = LINE_WIDTH / steps.length;
  const rects = steps.flatMap((step, index) => {
    if (!step || !step.requests) return [];
    const [tall, bad] = [step.requests, Math.min(step.failed, step.requests)].map((count) => (LINE_HEIGHT * count) / most);
    const place = { x: (index * width).toFixed(1), width: Math.max(1, width - 1).toFixed(1) };
    return [
      drawing("rect", { ...place, class: "asked", y: (LINE_HEIGHT - tall).toFixed(1), height: tall.toFixed(1) }),
      bad > 0 ? drawing("rect", { ...place, class: "failed", y: (LINE_HEIGHT - tall).toFixed(1), height: bad.toFixed(1) }) : null,
    ];
  });
  return drawing("svg", { class: "spark", viewBox: `0 0 ${LINE_WIDTH} ${LINE_HEIGHT}`, role: "img",
    "aria-label": `requests, the last minutes; at most ${most} in ten seconds` }, rects);
};

const curve = (steps) => {
  const values = steps.map((step) => step?.p50Ms ?? null);
  const most = Math.max(1, ...values.map((value) => value ?? 0));
  const place = (value, index) =>
    `${(((index + 0.5) * LINE_WIDTH) / steps.length).toFixed(1)} ${(LINE_HEIGHT - 2 - ((LINE_HEIGHT - 4) * value) / most).toFixed(1)}`;
  let isDown = false;
  const path = values.map((value, index) => {
    const part = value === null ? "" : `${isDown ? "L" : "M"}${place(value, index)}h.1`;
    isDown = value !== null;
    return part;
  }).join("");
  return drawing("svg", { class: "spark", viewBox: `0 0 ${LINE_WIDTH} ${LINE_HEIGHT}`, role: "img",
    "aria-label": `first token, the last minutes; at most ${time(most)}` }, path ? drawing("path", { d: path }) : null);
};

const troubles = (pool, nowMs) => pool.troubles.map((condition) =>
  element("li", {}, element("b", { title: `${condition.type}=${condition.status}` }, `${condition.says} (${condition.reason})`), " for ",
    since(condition.since, nowMs), element("br"), condition.message || condition.meaning, " ", runbook(condition.runbook)));

const conditions = (pool) => element("ul", { class: "chips" }, pool.conditions.map((condition) =>
  element("li", { class: condition.isGood ? "good" : condition.status === "Unknown" ? "warn" : "bad",
    title: `${condition.reason}: ${condition.message || condition.meaning}` },
  `${condition.isGood ? "✓" : condition.status === "Unknown" ? "?" : "✗"} ${condition.says}`)));

const lane = (tier) => {
  const share = tier.sharePercent === null ? "no requests lately" : `${tier.sharePercent} % of requests`;
  return element("li", { class: tier.isActive ? "active" : null },
    element("b", {}, `${tier.isActive ? "▶ " : ""}tier ${tier.tier}${tier.isActive ? " serves" : ""}`),
    bar(tier.sharePercent ?? 0, 100, share), element("span", {}, share),
    element("span", { class: tier.usable ? null : "bad" }, `${tier.usable} of ${tier.endpoints} usable`),
    element("span", {}, `${tier.inFlight}/${tier.limit} in flight`));
};

const until = (at, nowMs) => {
  const left = Math.ceil((Date.parse(at) - nowMs) / 1000);
  return left > 0 ? `in ${left} s` : "now";
};

const seenBy = (view, nowMs) => [
  `${view.router} says: ${[HEALTHS[view.health][1], `breaker ${BREAKERS[view.breaker][1]}`, view.reason].filter(Boolean).join(", ")}`,
  view.retryAt ? `, tried again ${until(view.retryAt, nowMs)}` : null,
  view.models.map((model) => `; ${model.name} ${BREAKERS[model.breaker][1]}${model.reason ? ` after ${model.reason}` : ""}`),
];

const toDo = (endpoint, nowMs) => {
  const advice = endpoint.told.map((told) => element("li", {}, element("b", {}, "do: "), told.advice, " ", runbook(told.runbook)));
  const back = endpoint.comesBack.map((what) => element("li", {}, element("b", {}, "recovers "), what));
  const views = endpoint.views.map((view) => element("li", {}, seenBy(view, nowMs)));
  return advice.length || back.length || views.length ? element("ul", { class: "todo" }, back, advice, views) : null;
};

const row = (endpoint, nowMs) => {
  const cell = (label, ...children) => element("td", { "data-label": label }, ...children);
  const failed = endpoint.failed ? element("span", { class: "bad" }, `, ${endpoint.failed} failed`) : null;
  const why = [endpoint.reason, ...endpoint.told.map((told) => told.word)].find(Boolean);
  const meaning = endpoint.told.find((told) => told.word === why)?.meaning;
  const full = endpoint.limit > 0 && endpoint.inFlight >= endpoint.limit;
  return [
    element("tr", { class: endpoint.isUsable ? null : "out" },
      cell("endpoint", element("b", {}, endpoint.name), endpoint.region ? ` ${endpoint.region}` : null),
      cell("tier", endpoint.tier),
      cell("health", mark(HEALTHS[endpoint.health])),
      cell("breaker", mark(BREAKERS[endpoint.breaker]), " ", since(endpoint.outageSince ?? endpoint.since, nowMs),
        endpoint.isRecovering ? element("span", { class: "warn" }, " serves again") : null),
      cell("weight", endpoint.weight ?? "–"),
      cell("requests, 5 min", columns(endpoint.steps), ` ${endpoint.requests}`, endpoint.sharePercent === null ? null : ` (${endpoint.sharePercent} %)`, failed),
      cell("in flight", bar(endpoint.inFlight, endpoint.limit, `${endpoint.inFlight} of ${endpoint.limit}`, full ? "bad" : ""), ` ${endpoint.inFlight}/${endpoint.limit}`),
      cell("first token p50 / p99", curve(endpoint.steps),
        element("span", { class: "figures" }, endpoint.p50Ms === null && endpoint.latestMs !== null
          ? `${time(endpoint.latestMs)} before` : `${time(endpoint.p50Ms)} / ${time(endpoint.p99Ms)}`)),
      cell("why", why ? element("b", {}, why) : "–", meaning ? ` ${meaning}` : null)),
    endpoint.told.length || endpoint.comesBack.length || endpoint.views.length
      ? element("tr", { class: "more" }, element("td", { colspan: 9 }, toDo(endpoint, nowMs))) : null,
  ];
};

const HEADS = ["endpoint", "tier", "health", "breaker, since", "weight", "requests, 5 min", "in flight / limit", "first token p50 / p99", "why"];

const section = (pool, nowMs) => element("section", { class: LEVELS[pool.level][2] },
  element("h2", {}, pool.name, " ", mark(LEVELS[pool.level])),
  pool.headline ? element("p", { class: "headline", "aria-live": "assertive" }, pool.headline) : null,
  element("p", { class: "facts" }, `${pool.summary || "–"} endpoints usable, `,
    pool.activeTier === null ? "no tier serves" : `tier ${pool.activeTier} serves`,
    `, ${pool.routers} router${pool.routers === 1 ? "" : "s"} heard`, pool.address ? `, ${pool.address}` : null),
  pool.troubles.length ? element("ul", { class: "troubles" }, troubles(pool, nowMs)) : null,
  pool.unservedModels.length ? element("p", { class: "bad" }, `nobody serves: ${pool.unservedModels.join(", ")}`) : null,
  pool.notes.map((note) => element("p", { class: "note" }, `not seen: ${note}`)),
  conditions(pool),
  topology(pool),
  element("ul", { class: "lanes" }, pool.tiers.map(lane)),
  element("table", {}, element("thead", {}, element("tr", {}, HEADS.map((head) => element("th", {}, head)))),
    element("tbody", {}, pool.endpoints.map((endpoint) => row(endpoint, nowMs)))),
  element("h3", {}, "The last hour"), timeline(pool),
  element("h3", {}, "What changed"), whatChanged(pool, nowMs));

export const page = (board, trouble, nowMs) => {
  const isStale = trouble !== "" || board.isStale;
  const why = trouble || board.trouble || "the last look has not come back";
  return element("main", { id: "page", "aria-live": "off", class: isStale ? "old" : null },
    element("header", {}, element("h1", {}, "Poolkeeper"), element("span", {}, board.source),
      element("span", {}, `as of ${clock(board.seenAt)}`)),
    isStale ? element("p", { class: "stale", role: "alert" }, `▲ stale since ${clock(board.seenAt)} (${age(board.seenAt, nowMs)}): ${why}`) : null,
    board.pools.map((pool) => section(pool, nowMs)),
    board.pools.length ? null : element("p", {}, "There is no pool yet."));
};

export const title = (board, trouble) => {
  const order = ["Down", "Unknown", "Look", "Well"];
  const worst = order.find((level) => board.pools.some((pool) => pool.level === level)) ?? "Unknown";
  return `${trouble || board.isStale ? "▲ stale" : LEVELS[worst].slice(0, 2).join(" ")} · Poolkeeper`;
};
