// The charts of the last hour by uPlot: first tokens of each endpoint, errors by class, cost. They are drawn anew when the
// endpoints or the colours change, else they only get new numbers.

import { element } from "./dom.js";

const HEIGHT = 150;
const DASHES = { p50: [], p90: [6, 3], p99: [2, 3] };
const drawn = new Map(); // box -> {key, charts}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const minute = (at) => new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
const sum = (pool, field, index) => pool.endpoints.reduce((all, endpoint) => all + (endpoint.hour[index]?.[field] ?? 0), 0);
const isSeen = (pool, index) => pool.endpoints.some((endpoint) => endpoint.hour[index] !== null);

const line = (label, stroke, unit, dash = []) => ({ label, stroke, dash, width: 2, spanGaps: false, points: { show: true, size: 4 },
  value: (_, value) => (value === null ? "–" : `${value}${unit}`) });

const latency = (endpoint) => ({ title: `first token, ${endpoint.name} (ms)`,
  series: [line("p50", colour("data"), " ms", DASHES.p50), line("p90", colour("warn"), " ms", DASHES.p90), line("p99", colour("bad"), " ms", DASHES.p99)],
  values: () => (fresh) => { const own = fresh.endpoints.find((one) => one.name === endpoint.name);
    return ["p50Ms", "p90Ms", "p99Ms"].map((field) => own.hour.map((minute) => minute?.[field] ?? null)); } });

const errors = () => ({ title: "failed attempts a minute, by class",
  series: [line("429", colour("warn"), "", [6, 3]), line("5xx", colour("bad"), ""), line("other", colour("faint"), "", [2, 3])],
  values: () => (fresh) => ["limited", "serverErrors", "otherErrors"].map((field) =>
    fresh.endpoints[0].hour.map((_, index) => (isSeen(fresh, index) ? sum(fresh, field, index) : null))) });

const currencies = (pool) => [...new Set(pool.endpoints.flatMap((endpoint) => endpoint.hour.flatMap((minute) => Object.keys(minute?.cost ?? {}))))].sort();

const cost = (currency, pool) => ({ title: `cost a minute (${currency})`,
  series: pool.endpoints.map((endpoint, index) => line(endpoint.name, colour(["data", "good", "warn", "bad"][index % 4]), ` ${currency}`, [[], [6, 3], [2, 3]][index % 3])),
  values: () => (fresh) => fresh.endpoints.map((endpoint) => endpoint.hour.map((minute) => (minute === null ? null : minute.cost[currency] ?? 0))) });

const plans = (pool) => [...pool.endpoints.map(latency), errors(), ...currencies(pool).map((currency) => cost(currency, pool))];

const times = (pool) => { const began = Date.parse(pool.hourBegan) / 1000; return pool.endpoints[0].hour.map((_, index) => began + 60 * index); };

const build = (box, plan, pool) => {
  const axis = { stroke: colour("faint"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") } };
  const holder = element("figure", { "aria-label": plan.title }, element("figcaption", {}, plan.title));
  box.append(holder);
  const options = { width: Math.max(240, holder.clientWidth), height: HEIGHT, series: [{ value: (_, at) => (at === null ? "–" : new Date(at * 1000).toLocaleTimeString([], { hour12: false })) }, ...plan.series],
    axes: [{ ...axis, values: (_, all) => all.map(minute) }, { ...axis, size: 60 }], scales: { y: { range: (_, low, high) => [0, Math.max(1e-9, high ?? 1) * 1.1] } }, cursor: { drag: { x: false, y: false } } };
  const values = plan.values();
  const chart = new window.uPlot(options, [times(pool), ...values(pool)], holder);
  return { chart, values, holder };
};

export const drawCharts = (box, pool) => {
  if (!window.uPlot || pool.endpoints.length === 0) return;
  const key = [pool.name, pool.endpoints.map((endpoint) => endpoint.name), currencies(pool), colour("ground")].join("|");
  const known = drawn.get(box);
  if (known?.key !== key) {
    known?.charts.forEach(({ chart }) => chart.destroy());
    box.replaceChildren();
    drawn.set(box, { key, charts: plans(pool).map((plan) => build(box, plan, pool)) });
    return;
  }
  for (const { chart, values, holder } of known.charts) {
    chart.setData([times(pool), ...values(pool)]);
    const width = Math.max(240, holder.clientWidth);
    if (Math.abs(width - chart.width) > 8) chart.setSize({ width, height: HEIGHT });
  }
};
