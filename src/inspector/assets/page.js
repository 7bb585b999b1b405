// The page: loads the list, takes new callbacks as they come, and hands on what is pressed.

import { Detail } from "/detail.js";
import { List } from "/list.js";
import { ask, copy, line, make, say } from "/text.js";

/** Rows that wait for the next frame; where more come while the page is hidden, it loads again. */
const MAX_WAITING = 5000;

const at = (id) => document.getElementById(id);
const main = at("main");
const filter = { grep: "", verdict: "", status: "" };
let waiting = [], framed = 0, stream = null, loading = 0, broken = false, loadedOnce = false, unseen = 0;

const list = new List(at("list"), at("rows"), { choose, wanted: older });
const detail = new Detail(at("detail"), { choose, back: () => leave() });

function parameters(more = {}) {
  const pairs = Object.entries({ ...filter, ...more }).filter(([, value]) => value !== "" && value !== null);
  return new URLSearchParams(pairs).toString();
}

function isFiltered() {
  return Object.values(filter).some((value) => value !== "");
}

async function load() {
  const turn = ++loading;
  try {
    const page = await ask(`/api/callbacks?${parameters({ limit: 500 })}`);
    if (turn !== loading) return;
    waiting = [];
    unseen = 0;
    list.clear();
    list.addPage(page);
    loadedOnce = true;
  } catch (error) {
    say(error.message);
  } finally {
    if (turn === loading) { asking = false; busy(false); }
  }
  settle();
}

function busy(is) {
  at("list").setAttribute("aria-busy", is);
}

let asking = false;

/** Asks for rows before the oldest. */
async function older() {
  if (asking || !loadedOnce || list.next === null) return;
  asking = true;
  const turn = loading;
  try {
    const page = await ask(`/api/callbacks?${parameters({ limit: 500, before: list.next })}`);
    if (turn === loading) list.addPage(page);
  } catch (error) {
    list.more = false;
    say(error.message);
  } finally {
    if (turn === loading) asking = false;
  }
  settle();
}

function connect() {
  stream?.close();
  const query = parameters();
  stream = new EventSource(`/api/events${query ? `?${query}` : ""}`);
  const own = stream;
  stream.addEventListener("open", () => { live(true); load(); });
  stream.addEventListener("callbacks", (event) => take(JSON.parse(event.data)));
  stream.addEventListener("reload", () => load());
  stream.addEventListener("error", async () => {
    if (own !== stream) return;
    live(false);
    if (own.readyState !== EventSource.CLOSED) return;
    // Refused for good: the reason is told by any other request.
    setTimeout(() => { if (own === stream) connect(); }, 3000);
    await ask("/api/state").catch((error) => say(error.message));
  });
}

function live(is) {
  const node = at("live");
  node.classList.toggle("on", is);
  node.textContent = is ? "live" : "not connected";
  if (is && broken) say("connected again");
  broken = !is;
}

/** New rows wait for the next frame, however many come. */
function take(rows) {
  for (const row of rows) waiting.push(row);
  if (waiting.length > MAX_WAITING) { waiting = []; load(); return; }
  framed ||= requestAnimationFrame(() => {
    framed = 0;
    const rows = waiting;
    waiting = [];
    if (at("list").scrollTop > 40) unseen += rows.filter((row) => !list.byId.has(row.id)).length;
    list.add(rows, { fresh: true });
    detail.take(rows);
    settle();
  });
}

/** What follows from the number of rows. */
function settle() {
  const rows = list.byId.size, lines = list.items.length, more = list.more ? "+" : "";
  const count = (n, one) => `${n.toLocaleString("en-US")}${more} ${one}${n === 1 ? "" : "s"}`;
  at("count").textContent = list.byOrder && lines !== rows ? `${count(list.orders, "order")}, ${count(rows, "callback")}` : count(rows, "callback");
  document.title = `(${rows.toLocaleString("en-US")}${more}) Callbacks · payout-notify`;
  at("fresh").hidden = unseen === 0;
  at("fresh").textContent = `↑ ${unseen.toLocaleString("en-US")} new`;
  const blank = rows === 0 && loadedOnce;
  main.classList.toggle("blank", blank);
  at("empty").hidden = !blank;
  if (blank) drawEmpty();
  at("further").hidden = blank || list.lookedTo === null;
  at("further").textContent = `${lookedBack()} Look further back`;
}

/** How far back a search has looked: not all that is kept is looked at at once. */
function lookedBack() {
  if (list.lookedTo === null) return "";
  const { id, ms } = list.lookedTo;
  return `Looked back to callback ${id.toLocaleString("en-US")}${ms === null ? "" : ` (${new Date(ms).toLocaleString()})`}.`;
}

function drawEmpty() {
  const box = at("empty"), { state } = detail, kind = isFiltered() ? `filtered ${lookedBack()}` : `bare ${state.listen_url}`;
  if (box.dataset.kind === kind) return;
  box.dataset.kind = kind;
  if (isFiltered()) {
    if (list.lookedTo !== null) {
      const further = make("button", { type: "button", class: "main", text: "Look further back", onclick: older });
      box.replaceChildren(make("div", {}, make("h2", { text: "Nothing found so far" }), make("p", { text: lookedBack() }), further));
      return;
    }
    const clear = make("button", { type: "button", text: "Show all", onclick: clearFilter });
    box.replaceChildren(make("div", {}, make("h2", { text: "Nothing matches" }), make("p", { text: "No callback has what you are looking for." }), clear));
    return;
  }
  const inside = make("div", {}, make("h2", { text: "Waiting for the first callback" }));
  if (state.listen_url) {
    inside.append(
      make("p", { text: "Callbacks are taken at" }),
      make("p", { class: "url", text: line(state.listen_url) }),
      make("p", { text: "Give this address to the platform as notify_url, or try it from a terminal:" }));
    if (state.sample) {
      inside.append(make("pre", { text: line(state.sample).replaceAll("\\n", "\n") }),
        make("p", {}, make("button", { type: "button", class: "main", text: "Copy the command", onclick: () => copy(state.sample, "Command") })));
    }
    inside.append(make("p", { text: "The command is signed with your key, so it will be valid. The key itself never leaves payout-notify." }));
  }
  box.replaceChildren(inside);
}

function clearFilter() {
  Object.assign(filter, { grep: "", verdict: "", status: "" });
  at("q").value = "";
  at("status").value = "";
  pressVerdict("");
  refilter();
}

function pressVerdict(value) {
  for (const button of document.querySelectorAll("[data-verdict]")) {
    button.setAttribute("aria-pressed", button.dataset.verdict === value);
  }
}

function refilter() {
  busy(true);
  at("list").scrollTop = 0;
  unseen = 0;
  connect();
}

function choose(id) {
  if (id === null) return;
  list.choose(id);
  // On a phone the callback covers the list: Back returns to it, and stays in the page.
  if (!main.classList.contains("open")) history.pushState({ open: true }, "");
  main.classList.add("open");
  detail.show(id);
}

/** Back from what is open: the sheet, then the callback. */
function leave() {
  if (detail.close()) return;
  if (history.state?.open) history.back();
  else showList();
}

function showList() {
  main.classList.remove("open");
  at("list").focus({ preventScroll: true });
}

const KEYS = {
  j: () => choose(list.neighbour(1)),
  k: () => choose(list.neighbour(-1)),
  ArrowDown: () => choose(list.neighbour(1)),
  ArrowUp: () => choose(list.neighbour(-1)),
  h: () => choose(detail.neighbour(-1)),
  l: () => choose(detail.neighbour(1)),
  g: () => toggleGroup(),
  "/": () => { at("q").focus(); at("q").select(); },
  r: () => detail.openReplay(),
  e: () => detail.openEdit(),
  c: () => detail.copyCurl(),
  "?": () => at("help").showModal(),
  Escape: () => leave(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const typing = event.target.matches("input, textarea, select");
  if (typing && event.key === "Escape") {
    // A search field would empty itself: what was looked for stays.
    event.preventDefault();
    event.target.blur();
    if (event.target.id === "q") at("list").focus({ preventScroll: true });
    else leave();
    return;
  }
  const inDetail = event.target.closest("#detail") && event.key.startsWith("Arrow");
  if (typing || inDetail || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});

function toggleGroup() {
  const byOrder = !list.byOrder;
  at("group").setAttribute("aria-pressed", byOrder);
  list.group(byOrder);
  settle();
}

let typed = 0;
at("q").addEventListener("input", () => {
  clearTimeout(typed);
  busy(true);
  typed = setTimeout(() => { filter.grep = at("q").value.trim(); refilter(); }, 180);
});
at("status").addEventListener("change", () => { filter.status = at("status").value; refilter(); });
for (const button of document.querySelectorAll("[data-verdict]")) {
  button.addEventListener("click", () => {
    filter.verdict = button.dataset.verdict;
    pressVerdict(filter.verdict);
    refilter();
  });
}
at("group").addEventListener("click", toggleGroup);
at("further").addEventListener("click", older);
at("help-open").addEventListener("click", () => at("help").showModal());
at("help-close").addEventListener("click", () => at("help").close());
at("fresh").addEventListener("click", () => { at("list").scrollTop = 0; });
at("list").addEventListener("scroll", () => {
  if (at("list").scrollTop <= 40 && unseen > 0) { unseen = 0; settle(); }
}, { passive: true });

window.addEventListener("popstate", () => { detail.close(); showList(); });

connect();
ask("/api/state").then((state) => {
  detail.state = state;
  at("listen").textContent = line(state.listen_url);
  at("listen").addEventListener("click", () => copy(state.listen_url, "Address"));
  at("facts").textContent = line([state.dialect, `key ${state.key_fingerprint}`, state.forward_url && `forwards to ${state.forward_url}`].filter(Boolean).join("  ·  "));
  settle();
}).catch((error) => say(error.message));
