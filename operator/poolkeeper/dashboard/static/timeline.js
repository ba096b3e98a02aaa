// The last hour on one line of time: which tier served, when each breaker was open or half-open, how many attempts failed,
// and what was changed when. Below it the same changes as a list, each beside the failures of its minute.

import { drawing, element } from "./dom.js";

const [HOUR_MS, MINUTE_MS, WIDTH, HEIGHT] = [3600000, 60000, 600, 20];
const STATES = { Open: ["bad", 20, "open"], HalfOpen: ["warn", 10, "half-open"] };
const CLOSED_HEIGHT = 3;
const TIERS = [["good", 5], ["warn", 12]]; // the first tier, any other
const NO_TIER = ["bad", 20];
const KINDS = {
  Breaker: ["◐", "breaker"], Secret: ["◆", "API key"], Spec: ["✎", "spec"], Policy: ["✎", "policy"], RollOut: ["↻", "roll-out"], Restart: ["↺", "restart"], Event: ["•", "Event"],
};
const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });
const took = (ms) => (ms >= 90000 ? `${Math.round(ms / MINUTE_MS)} min` : `${Math.round(ms / 1000)} s`);
const place = (at, beganMs) => (WIDTH * Math.min(HOUR_MS, Math.max(0, Date.parse(at) - beganMs))) / HOUR_MS;

const block = (piece, beganMs, [kind, tall], told) => {
  const [from, to] = [place(piece.begins, beganMs), place(piece.ends, beganMs)];
  return drawing("rect", { class: kind, x: from.toFixed(2), y: HEIGHT - tall, width: Math.max(1.5, to - from).toFixed(2), height: tall },
    drawing("title", {}, `${clock(Date.parse(piece.begins))} to ${clock(Date.parse(piece.ends))}: ${told}`));
};

const line = (label, ...shapes) => drawing("svg", { class: "heat", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none",
  role: "img", "aria-label": label }, ...shapes);

const row = (name, summary, ...shapes) => element("tr", {}, element("th", { scope: "row" }, name),
  element("td", {}, line(`${name}, the last hour: ${summary}`, ...shapes)), element("td", {}, summary));

const tierName = (tier) => (tier === null ? "no tier" : `tier ${tier}`);

const tierRow = (pool, beganMs) => {
  const pieces = pool.tierSpans;
  const moves = pieces.slice(1).map((tierSpan) => `${tierName(tierSpan.tier)} at ${clock(Date.parse(tierSpan.begins))}`);
  const summary = pieces.length === 0 ? "not known" : [tierName(pieces[0].tier), ...moves.slice(-3)].join(", then ");
  return row("tier that serves", summary, pieces.map((tierSpan) =>
    block(tierSpan, beganMs, tierSpan.tier === null ? NO_TIER : TIERS[Math.min(tierSpan.tier, 1)], `${tierName(tierSpan.tier)} serves`)));
};

const breakerSummary = (endpoint) => {
  const of = (state) => endpoint.spans.filter((span) => span.state === state);
  const length = (spans) => spans.reduce((sum, span) => sum + Date.parse(span.ends) - Date.parse(span.begins), 0);
  const said = ["Open", "HalfOpen"].filter((state) => of(state).length > 0)
    .map((state) => `${STATES[state][2]} ${took(length(of(state)))} in ${of(state).length} piece${of(state).length === 1 ? "" : "s"}`);
  return said.length ? said.join(", ") : "closed";
};

const breakerRow = (endpoint, pool, beganMs) => row(endpoint.name, breakerSummary(endpoint),
  drawing("rect", { class: "good", x: 0, y: HEIGHT - CLOSED_HEIGHT, width: WIDTH, height: CLOSED_HEIGHT }),
  endpoint.spans.map((span) => block(span, beganMs, STATES[span.state],
    `${endpoint.name} ${STATES[span.state][2]}${span.why ? ` (${span.why})` : ""}${pool.routers > 1 ? `, at ${span.routers} router${span.routers === 1 ? "" : "s"}` : ""}`)));

// Of one minute, all endpoints together; null where nobody looked.
const failures = (pool, index) => {
  const minutes = pool.endpoints.map((endpoint) => endpoint.hour[index]).filter((minute) => minute);
  if (minutes.length === 0) return null;
  const sum = (of) => minutes.reduce((all, minute) => all + of(minute), 0);
  return { asked: sum((minute) => minute.requests), bad: sum((minute) => minute.limited + minute.serverErrors + minute.otherErrors) };
};

const percent = (rate) => Math.min(100, Math.round((100 * rate.bad) / Math.max(1, rate.asked)));

const failureRow = (pool, beganMs) => {
  const rates = [...Array(60).keys()].map((index) => failures(pool, index));
  const worst = rates.reduce((most, rate) => Math.max(most, rate ? percent(rate) : 0), 0);
  const summary = rates.some((rate) => rate && rate.asked) ? `at most ${worst} % of a minute's attempts` : "no attempts seen yet";
  return row("attempts that failed", summary, rates.map((rate, index) => (rate && percent(rate) > 0
    ? drawing("rect", { class: "bad", x: index * 10, width: 9, y: (HEIGHT * (1 - percent(rate) / 100)).toFixed(1), height: ((HEIGHT * percent(rate)) / 100).toFixed(1) },
      drawing("title", {}, `${clock(beganMs + index * MINUTE_MS)}: ${percent(rate)} % of ${rate.asked} attempts failed`))
    : null)));
};

const changeRow = (pool, beganMs) => {
  const others = pool.changes.filter((change) => change.kind !== "Breaker" && change.kind !== "Event");
  return row("changes", others.length ? `${others.length}: spec, API keys, roll-outs, restarts` : "none of spec, API keys, roll-outs, restarts", others.map((change) =>
    drawing("path", { class: "tick", d: `M${place(change.at, beganMs).toFixed(1)} 0 l4 8 h-3 v12 h-2 v-12 h-3 z` },
      drawing("title", {}, `${clock(Date.parse(change.at))}: ${change.message}`))));
};

export const timeline = (pool) => {
  const beganMs = Date.parse(pool.hourBegan);
  return element("table", { class: "heatmap timeline" },
    element("caption", {}, "Breakers in the last hour: full height is open, half is half-open, a thin line is closed; as all routers remember them"),
    element("tbody", {}, tierRow(pool, beganMs), pool.endpoints.map((endpoint) => breakerRow(endpoint, pool, beganMs)),
      failureRow(pool, beganMs), changeRow(pool, beganMs)),
    element("tfoot", {}, element("tr", {}, element("td", {}), element("td", { class: "ends" },
      element("span", {}, clock(beganMs)), element("span", {}, "now")), element("td", {}))));
};

const rateCell = (rate) => {
  if (rate === null) return element("td", { "data-label": "failed" }, "–");
  const told = rate.asked ? `${percent(rate)} % of ${rate.asked}` : "no attempts";
  return element("td", { "data-label": "failed", class: percent(rate) >= 5 ? "bad" : null }, told);
};

const changeLine = (change, pool, beganMs, nowMs) => {
  const [sign, word] = KINDS[change.kind];
  const about = change.endpoint ? [element("b", {}, change.endpoint), change.models.length ? ` (${change.models.join(", ")}) ` : " "] : [];
  return element("tr", {}, element("td", { "data-label": "when" }, element("time", { datetime: change.at }, `${clock(Date.parse(change.at))}, ${took(Math.max(0, nowMs - Date.parse(change.at)))} ago`)),
    rateCell(failures(pool, Math.floor((Date.parse(change.at) - beganMs) / MINUTE_MS))),
    element("td", { "data-label": "kind", class: change.isWarning ? "warn" : null }, `${change.isWarning ? "▲" : sign} ${word}`),
    element("td", { "data-label": "what" }, about, change.message, change.by.length ? element("span", { class: "by" }, ` [${change.by.join(", ")}]`) : null));
};

export const whatChanged = (pool, nowMs) => {
  const beganMs = Date.parse(pool.hourBegan);
  if (pool.changes.length === 0) return element("p", { class: "note" }, "Nothing has changed in the last hour.");
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "what changed in the last hour, the newest first" },
    element("table", { class: "changes" },
      element("thead", {}, element("tr", {}, ["when", "failed in that minute", "kind", "what changed"].map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, pool.changes.map((change) => changeLine(change, pool, beganMs, nowMs)))));
};
