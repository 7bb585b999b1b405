// The list: rows by id, grouped by order or not, of which only those in sight are in the document.

import { amount, answer, clock, line, make, status, verdict } from "/text.js";

/** The most rows that are kept here; older ones are asked for again when someone scrolls to them. */
const MAX_ROWS = 20000;

/** Rows drawn above and below what is in sight. */
const MARGIN = 8;

/** The most marks that a row draws for its attempts. */
const MAX_MARKS = 5;

export class List {
  /** `choose(id)` is called when a row is clicked, `wanted()` when older rows are needed. */
  constructor(box, rows, { choose, wanted }) {
    this.box = box;
    this.layer = rows;
    this.wanted = wanted;
    this.byId = new Map();
    this.items = [];
    this.index = new Map();
    this.nodes = new Map();
    this.byOrder = true;
    this.more = false;
    this.next = null;
    this.lookedTo = null;
    this.chosen = null;
    this.arrived = new Set();
    box.addEventListener("scroll", () => this.frame(), { passive: true });
    new ResizeObserver(() => { this.height = 0; this.frame(); }).observe(box);
    rows.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      const item = row && this.items[this.index.get(row.dataset.key)];
      if (item) choose(item.newest.id);
    });
  }

  get rowHeight() {
    this.height ||= parseFloat(getComputedStyle(this.box).getPropertyValue("--row")) || 34;
    return this.height;
  }

  clear() {
    this.byId.clear();
    this.arrived.clear();
    this.more = false;
    this.lookedTo = null;
  }

  /** Takes a page of the server in: its rows, and where the next one begins. */
  addPage({ callbacks, next, searched_to, searched_to_ms }) {
    this.next = next;
    this.more = next !== null;
    this.lookedTo = searched_to === null ? null : { id: searched_to, ms: searched_to_ms };
    this.add(callbacks);
  }

  /** Takes rows in, older or newer ones; one with a known id replaces it. */
  add(rows, { fresh = false } = {}) {
    for (const row of rows) {
      if (fresh && !this.byId.has(row.id)) this.arrived.add(row.id);
      this.byId.set(row.id, row);
    }
    if (this.byId.size > MAX_ROWS) {
      const ids = [...this.byId.keys()].sort((a, b) => a - b);
      for (const id of ids.slice(0, ids.length - MAX_ROWS)) this.byId.delete(id);
      this.more = true;
      this.next = this.oldest;
      this.lookedTo = null;
    }
    this.rebuild();
  }

  /** The lines of the list, newest first, and what is in sight where it was. */
  rebuild() {
    const top = this.box.scrollTop, anchor = this.items[Math.floor(top / this.rowHeight)];
    const within = top % this.rowHeight;
    const newestFirst = [...this.byId.values()].sort((a, b) => b.id - a.id);
    const groups = new Map();
    for (const row of newestFirst) {
      const key = this.byOrder && row.order !== null ? `o${row.order}` : `c${row.id}`;
      const item = groups.get(key);
      if (item) item.attempts.push(row);
      else groups.set(key, { key, newest: row, attempts: [row] });
    }
    this.items = [...groups.values()];
    this.index = new Map(this.items.map((item, at) => [item.key, at]));
    this.layer.style.height = `${this.items.length * this.rowHeight}px`;
    // Whoever looks at older rows keeps them where they are while new ones come in above.
    const at = anchor && top > 2 ? this.index.get(anchor.key) : undefined;
    if (at !== undefined) this.box.scrollTop = at * this.rowHeight + within;
    this.draw();
  }

  group(byOrder) {
    this.byOrder = byOrder;
    this.box.scrollTop = 0;
    this.rebuild();
    this.reveal();
  }

  frame() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => { this.drawing = 0; this.draw(); });
  }

  draw() {
    const high = this.rowHeight, top = this.box.scrollTop;
    const first = Math.max(0, Math.floor(top / high) - MARGIN);
    const last = Math.min(this.items.length, Math.ceil((top + this.box.clientHeight) / high) + MARGIN);
    const seen = new Set();
    for (let at = first; at < last; at++) {
      const item = this.items[at];
      seen.add(item.key);
      let node = this.nodes.get(item.key);
      // A new row of an order, or one whose reply came later, is another object.
      if (!node || node.newest !== item.newest || node.count !== item.attempts.length) {
        const fresh = this.row(item);
        if (node) node.replaceWith(fresh);
        else this.layer.append(fresh);
        this.nodes.set(item.key, fresh);
        node = fresh;
      }
      if (node.at !== at || node.high !== high) {
        node.style.top = `${at * high}px`;
        node.at = at;
        node.high = high;
        node.setAttribute("aria-posinset", at + 1);
      }
      node.setAttribute("aria-setsize", this.more ? -1 : this.items.length);
      const is = this.chosen !== null && item.attempts.some((row) => row.id === this.chosen);
      node.setAttribute("aria-selected", is);
      if (is) this.box.setAttribute("aria-activedescendant", node.id);
    }
    for (const [key, node] of this.nodes) {
      if (!seen.has(key)) { node.remove(); this.nodes.delete(key); }
    }
    this.arrived.clear();
    if (this.more && this.lookedTo === null && last > this.items.length - 60) this.wanted();
  }

  row({ key, newest, attempts }) {
    const node = make("div", { class: "row", role: "option", id: `row-${newest.id}` });
    node.dataset.key = key;
    node.newest = newest;
    node.count = attempts.length;
    if (this.arrived.has(newest.id)) node.classList.add("new");
    const what = newest.order === null ? `${newest.method} ${newest.path}` : newest.order;
    const word = verdict(newest), state = status(newest);
    node.append(
      make("span", { class: "time", text: clock(newest.at_ms) }),
      make("span", { class: `verdict ${newest.valid ? "good" : "bad"}`, text: word, title: line(newest.explanation ?? "") }),
      make("span", { class: "what" },
        make("span", { class: "order", text: line(what), title: line(what) }),
        make("span", { class: "amount", text: amount(newest.amount_cents) })),
      make("span", { class: "state", text: line(state), title: line(state) }),
      make("span", { class: "answer", text: answer(newest), title: "The reply's status, and how long the application took" }),
      this.marks(newest, attempts),
    );
    return node;
  }

  /** The orders among the lines: a request without an order has a line and is none. */
  get orders() {
    return this.items.filter((item) => item.newest.order !== null).length;
  }

  marks(newest, attempts) {
    const box = make("span", { class: "marks" });
    if (attempts.length > 1) {
      box.title = `${attempts.length} attempts`;
      const isMany = attempts.length > MAX_MARKS;
      if (isMany) box.append(make("span", { class: "times", text: `${attempts.length}×` }));
      for (const row of attempts.slice(0, isMany ? MAX_MARKS - 2 : MAX_MARKS).reverse()) {
        box.append(make("span", { class: row.valid ? "mark" : "mark invalid" }));
      }
    } else if (newest.delivery > 1) {
      box.append(`attempt ${newest.delivery}`);
    }
    return box;
  }

  place(id) {
    return this.items.findIndex((item) => item.attempts.some((row) => row.id === id));
  }

  /** The id so many lines further. */
  neighbour(step) {
    if (this.items.length === 0) return null;
    const at = this.chosen === null ? -1 : this.place(this.chosen);
    const to = at < 0 ? 0 : Math.min(this.items.length - 1, Math.max(0, at + step));
    return this.items[to].newest.id;
  }

  choose(id) {
    this.chosen = id;
    this.reveal();
    this.draw();
  }

  /** Brings the chosen line into sight. */
  reveal() {
    const at = this.chosen === null ? -1 : this.place(this.chosen);
    if (at < 0) return;
    const top = at * this.rowHeight, bottom = top + this.rowHeight, box = this.box;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
  }

  get oldest() {
    let least = null;
    for (const id of this.byId.keys()) if (least === null || id < least) least = id;
    return least;
  }
}
