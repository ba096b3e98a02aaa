// The search for requests. It asks only when somebody asks it to; what was asked stands in the page's address, so that a
// link can be sent to somebody else.

import { element, patch } from "./dom.js";

const OUTCOMES = ["ok", "degraded", "cache", "default", "empty", "cut", "refused", "shed", "error", "client_gone"];
const PATIENCE_MS = 30000;
const FIELDS = ["pool", "request", "client", "endpoint", "outcome"];
let inputs = null; // by field
let shown = ""; // the choices that the form offers

const labelled = (text, input) => element("label", {}, element("span", {}, text), input);
const choices = (select, words, anyWord) => {
  const chosen = select.value;
  select.replaceChildren(...(anyWord ? [element("option", { value: "" }, anyWord)] : []), ...words.map(([value, word]) => element("option", { value }, word)));
  if ([...select.options].some((option) => option.value === chosen)) select.value = chosen;
};

const took = (ms) => (ms >= 10000 ? `${(ms / 1000).toFixed(1)} s` : `${ms} ms`);

const attemptTold = (attempt, number) => element("li", {}, `${number + 1}. `, element("b", {}, attempt.endpoint),
  ` (tier ${attempt.tier}) after ${took(attempt.startMs)}, took ${took(attempt.durationMs)}`,
  attempt.firstTokenMs === null ? null : `, first token after ${took(attempt.firstTokenMs)}`,
  `: ${attempt.failure ? `✗ ${attempt.failure}` : "✓ answered"}`, `, status ${attempt.status ?? "none"}`,
  attempt.answeredBy ? `, by another model: ${attempt.answeredBy}` : null,
  attempt.tokensIn === null ? null : `, ${attempt.tokensIn} tokens in, ${attempt.tokensOut} out`,
  attempt.cost === null ? null : `, ${attempt.cost.toFixed(6)} ${attempt.currency}`);

const hitRow = (hit) => element("tr", {},
  element("td", { "data-label": "when" }, element("time", { datetime: hit.at }, new Date(hit.at).toLocaleTimeString([], { hour12: false }))),
  element("td", { "data-label": "request" }, element("code", {}, hit.request), element("br"), `${hit.model}, ${hit.client || "anybody"} [${hit.router}]`),
  element("td", { "data-label": "got", class: hit.outcome === "ok" ? "good" : "bad" }, `${hit.outcome === "ok" ? "✓" : "▲"} ${hit.outcome}, ${hit.status}, ${took(hit.durationMs)}`),
  element("td", { "data-label": "attempts" }, hit.also.length ? element("span", {}, hit.also.join("; ")) : null,
    hit.attempts.length ? element("ol", {}, hit.attempts.map(attemptTold)) : "no endpoint was asked"));

const answerOf = (searched) => {
  if (searched.trouble) return element("div", { id: "found", "aria-live": "polite" }, element("p", { class: "bad" }, `✗ ${searched.trouble}`));
  const back = searched.oldest ? `, back to ${new Date(searched.oldest).toLocaleTimeString([], { hour12: false })}` : "";
  const told = `${searched.found.length}${searched.isCut ? " newest" : ""} found in ${searched.lines} lines of ${searched.routers} router${searched.routers === 1 ? "" : "s"}${back}`;
  return element("div", { id: "found", "aria-live": "polite" }, element("p", { class: "facts" }, told),
    searched.found.length ? element("table", { class: "hits" },
      element("thead", {}, element("tr", {}, ["when", "request", "the caller got", "attempts"].map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, searched.found.map(hitRow))) : null);
};

const show = (searched) => patch(document.getElementById("found"), answerOf(searched));

const ask = async () => {
  const wanted = new URLSearchParams(FIELDS.map((field) => [field, inputs[field].value]).filter(([, value]) => value));
  history.replaceState(null, "", `#${wanted}`);
  document.getElementById("found").replaceChildren(element("p", {}, "Reading the request logs…"));
  try {
    const response = await fetch(`/requests.json?${wanted}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!response.ok) throw new Error(`the dashboard answered ${response.status}`);
    show(await response.json());
  } catch (error) {
    show({ trouble: error instanceof TypeError || error.name === "TimeoutError" ? "poolkeeper dashboard does not answer" : error.message });
  }
};

const build = (root) => {
  inputs = {
    pool: element("select", {}), request: element("input", { type: "search", size: 38, autocomplete: "off", placeholder: "x-request-id of an answer" }),
    client: element("input", { type: "search", size: 12, autocomplete: "off", placeholder: "any" }),
    endpoint: element("select", {}), outcome: element("select", {}),
  };
  choices(inputs.outcome, [["not-ok", "not ok"], ...OUTCOMES.map((word) => [word, word])], "any");
  const form = element("form", { role: "search" }, labelled("pool", inputs.pool), labelled("request id", inputs.request), labelled("client", inputs.client),
    labelled("endpoint", inputs.endpoint), labelled("outcome", inputs.outcome), element("button", { type: "submit" }, "search"));
  form.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
  root.append(element("section", {}, element("h2", {}, "Find a request"), form, element("div", { id: "found", "aria-live": "polite" })));
};

// Offers the pools and endpoints that there are; what the address asks for is searched at once.
export const search = (root, board) => {
  const isFirst = inputs === null;
  if (isFirst) build(root);
  const endpoints = [...new Set(board.pools.flatMap((pool) => pool.endpoints.map((endpoint) => endpoint.name)))].sort();
  const offered = JSON.stringify([board.pools.map((pool) => pool.name), endpoints]);
  if (offered !== shown) {
    choices(inputs.pool, board.pools.map((pool) => [pool.name, pool.name]));
    choices(inputs.endpoint, endpoints.map((name) => [name, name]), "any");
    shown = offered;
  }
  if (!isFirst || location.hash.length < 2) return;
  for (const [field, value] of new URLSearchParams(location.hash.slice(1))) if (inputs[field]) inputs[field].value = value;
  ask();
};
