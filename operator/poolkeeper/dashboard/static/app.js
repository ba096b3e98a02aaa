// Asks for the document every other second and lays it out; says since when it is old where no answer comes.

import { patch } from "./dom.js";
import { hour } from "./hour.js";
import { search } from "./search.js";
import { page, title } from "./view.js";

const PERIOD_MS = 2000;
const PATIENCE_MS = 5000;
let last = null; // the latest document, and when it came by the browser's own clock
let trouble = "";

const ask = async () => {
  try {
    const response = await fetch("/pools.json", { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!response.ok) throw new Error(`the dashboard answered ${response.status}`);
    last = { board: await response.json(), cameMs: performance.now() };
    trouble = "";
  } catch (error) {
    const isGone = error instanceof TypeError || error.name === "TimeoutError";
    trouble = isGone ? "poolkeeper dashboard does not answer; is it still running?" : error.message;
  }
};

const show = () => {
  if (last === null) {
    document.getElementById("page").textContent = trouble || "Asking the pools…";
    return;
  }
  const { board, cameMs } = last;
  const nowMs = Date.parse(board.now) + performance.now() - cameMs;
  patch(document.getElementById("page"), page(board, trouble, nowMs));
  search(document.getElementById("search"), board);
  hour(document.getElementById("hour"), board);
  document.title = title(board, trouble);
};

const turn = async () => {
  await ask();
  show();
  setTimeout(turn, PERIOD_MS);
};

turn();
