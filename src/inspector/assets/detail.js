// One callback: the verdict, its attempts, what is signed, the request and the replies.

import { addText, amount, ask, clock, copy, line, make, quoted, say, size, span, status, verdict } from "/text.js";

/** The most attempts that are listed. */
const MAX_STEPS = 40;

const WHY = { signature: "carries the signature", name: "never signed", empty: "empty" };

export class Detail {
  /** `choose(id)` is called for another attempt, `back()` on the way to the list. */
  constructor(box, { choose, back }) {
    this.box = box;
    this.choose = choose;
    this.back = back;
    this.state = {};
    this.attempts = new Map();
    this.empty();
  }

  empty() {
    this.told = null;
    this.asked = 0;
    this.box.replaceChildren(make("p", { class: "hint", text: "Choose a callback, or press j." }));
  }

  /** Shows a callback; what is pressed meanwhile waits for it. */
  show(id, options) {
    return (this.ready = this.load(id, options));
  }

  async load(id, { whole = false } = {}) {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    let told;
    try {
      told = await ask(`/api/callbacks/${id}${whole ? "?whole=1" : ""}`);
    } catch (error) {
      if (turn === this.turn) this.box.replaceChildren(this.backButton(), quoted("p", { class: "hint" }, error.message));
      return;
    }
    if (turn !== this.turn) return;
    const sameOrder = this.told && this.told.order !== null && this.told.order === told.order;
    const stays = this.told?.row.id === id;
    if (!sameOrder) this.attempts.clear();
    this.told = told;
    this.attempts.set(id, told.row);
    this.draw();
    if (!stays) this.box.scrollTop = 0;
    if (told.order !== null && !sameOrder) this.loadAttempts(turn);
  }

  async loadAttempts(turn) {
    try {
      const { callbacks, next } = await ask(`/api/callbacks?limit=100&order=${encodeURIComponent(this.told.order)}`);
      if (turn !== this.turn) return;
      this.moreAttempts = next !== null;
      this.take(callbacks);
    } catch (error) {
      say(error.message);
    }
  }

  /** Rows that came: those of the same order are attempts. */
  take(rows) {
    if (!this.told) return;
    const own = rows.filter((row) => row.order !== null && row.order === this.told.row.order);
    for (const row of own) this.attempts.set(row.id, row);
    if (own.length) this.steps?.replaceChildren(...this.attemptNodes());
  }

  /** The attempt before or after this one. */
  neighbour(step) {
    const ids = [...this.attempts.keys()].sort((a, b) => a - b);
    const at = this.told ? ids.indexOf(this.told.row.id) : -1;
    return at < 0 ? null : ids[at + step] ?? null;
  }

  draw() {
    const { told } = this;
    this.sheet = make("div", {});
    this.steps = make("div", { class: "block" }, ...this.attemptNodes());
    this.box.replaceChildren(
      this.backButton(), this.head(), this.said(), ...this.cause(), this.actions(), this.sheet, this.steps,
      ...this.canonical(), this.request(), this.reply(), ...this.application(),
    );
    this.box.setAttribute("aria-label", `Callback ${told.row.id}`);
  }

  backButton() {
    return make("button", { type: "button", class: "plain back", text: "← List", onclick: () => this.back() });
  }

  head() {
    const { told } = this, { row } = told;
    const title = told.order === null ? `${told.method} ${told.path}` : told.order;
    const facts = [`${told.method} ${told.path}`, `from ${told.remote}`, new Date(row.at_ms).toISOString(), size(row.bytes)];
    return make("div", {},
      make("div", { class: "head" },
        quoted("h2", {}, title.length > 300 ? `${title.slice(0, 300)}…` : title),
        make("span", { class: "amount", text: amount(row.amount_cents) }),
        make("span", { text: line(status(row)) })),
      quoted("p", { class: "sub" }, facts.join("  ·  ").slice(0, 600)));
  }

  said() {
    const { row, explanation } = this.told;
    const box = make("div", { class: row.valid ? "said-of" : "said-of no" });
    box.append(make("strong", { class: row.valid ? "good" : "bad", text: row.valid ? "✓ Valid. " : `✕ Refused, ${line(row.code)}. ` }));
    addText(box, explanation.summary);
    if (explanation.code !== row.code) {
      box.append(make("p", { class: "warn", text: `When it came it was answered with ${line(row.code)}; now it would be ${line(explanation.code)}.` }));
    }
    for (const finding of explanation.findings) {
      const tone = finding.severity === "error" ? "bad" : "warn";
      box.append(make("p", { class: "note" }, make("b", { class: tone, text: `${finding.severity}: ` }), quoted("span", {}, finding.member ? `${finding.member}: ${finding.message}` : finding.message)));
    }
    return box;
  }

  actions() {
    const button = (text, key, press) => make("button", { type: "button", onclick: press }, text, make("kbd", { text: key }));
    return make("div", { class: "actions" },
      button("Replay", "r", () => this.openReplay()),
      button("Edit and sign", "e", () => this.openEdit()),
      button("Copy as curl", "c", () => this.copyCurl()));
  }

  attemptNodes() {
    const rows = [...this.attempts.values()].sort((a, b) => a.id - b.id);
    const title = rows.length === 1 ? "One attempt" : `${rows.length}${this.moreAttempts ? "+" : ""} attempts`;
    const nodes = [make("h3", { text: title })];
    const first = rows[0].at_ms, long = rows.at(-1).at_ms - first;
    const here = this.told.row.id;
    if (rows.length > 1) {
      nodes[0].append(make("span", { class: "muted", text: ` over ${span(long)}` }));
      const axis = make("div", { class: "axis", "aria-hidden": "true" });
      for (const row of rows) {
        const mark = make("span", { class: `mark${row.valid ? "" : " invalid"}${row.id === here ? " here" : ""}`, title: clock(row.at_ms) });
        mark.style.left = `${long > 0 ? ((row.at_ms - first) / long) * 100 : 0}%`;
        axis.append(mark);
      }
      nodes.push(axis);
    }
    const shown = rows.slice(-MAX_STEPS);
    if (shown.length < rows.length) nodes.push(make("p", { class: "muted", text: `the last ${MAX_STEPS}:` }));
    const list = make("ol", { class: "steps" });
    shown.forEach((row, at) => {
      const number = rows.length - shown.length + at + 1;
      const before = rows[number - 2];
      const own = row.action ? line(row.action) : row.reply_status ? `answered ${row.reply_status}` : "no answer";
      const app = row.forwarded && `app ${row.forwarded.status ?? "failed"}, ${span(row.forwarded.elapsed_ms)}`;
      list.append(make("li", {}, make("button", {
        type: "button", class: "step", "aria-current": row.id === here ? "true" : undefined, onclick: () => this.choose(row.id),
      },
        make("span", { class: "n", text: number }),
        make("span", { class: row.valid ? "mark" : "mark invalid" }),
        make("span", { text: clock(row.at_ms) }),
        make("span", { class: "muted gap", text: before ? `+${span(row.at_ms - before.at_ms)}` : "" }),
        make("span", {}, make("span", { class: row.valid ? "good" : "bad", text: verdict(row) }), make("span", { class: "muted", text: `  ${app ?? own}` })))));
    });
    nodes.push(list);
    return nodes;
  }

  cause() {
    const { diagnosis } = this.told.explanation;
    if (!diagnosis) return [];
    const block = make("div", { class: "block" }, make("h3", { text: "Why the signature does not match" }));
    if (diagnosis.hits.length === 0) {
      const far = diagnosis.digests.toLocaleString("en-US");
      block.append(make("p", { text: diagnosis.digests > 0
        ? `No known mistake fits: a wrong key, or a value was altered (${far} digests searched).`
        : "Nothing was searched: there is no signature of a known form to compare with." }));
    }
    diagnosis.hits.forEach((hit, at) => {
      const box = make("div", { class: "cause" });
      box.append(make("p", {}, make("b", { text: at === 0 ? "Likely: " : "Or: " }), quoted("span", {}, `${hit.summary}.`)));
      for (const deviation of hit.deviations) {
        const pairs = make("dl", { class: "pairs" });
        for (const [name, text] of [["rule", deviation.rule], ["seen in", deviation.cause], ["fix", deviation.fix]]) {
          pairs.append(make("dt", { text: name }), quoted("dd", { class: name === "fix" ? "good" : undefined }, text));
        }
        box.append(pairs);
      }
      if (hit.difference) {
        const pairs = make("dl", { class: "pairs" });
        pairs.append(make("dt", { text: "rule has" }), quoted("dd", { class: "mono" }, hit.difference.rule));
        pairs.append(make("dt", { text: "sender has" }), quoted("dd", { class: "mono" }, hit.difference.theirs));
        box.append(make("p", { class: "muted", text: `They differ from byte ${hit.difference.at} on:` }), pairs);
      }
      block.append(box);
    });
    return [block];
  }

  canonical() {
    const { canonical, weaknesses } = this.told.explanation;
    if (!canonical) return [];
    const box = make("div", { class: "canonical" });
    // Lines break after a separator: a pair is cut only where it is longer than a line.
    let pair = null;
    for (const part of canonical.parts) {
      if (part.selection !== "signed") {
        const gone = addText(make("span", { class: "gone" }), `${part.name}=${part.value.length > 80 ? `${part.value.slice(0, 80)}…` : part.value}`);
        box.append(" ", gone, make("span", { class: "why", text: WHY[part.selection] }));
        continue;
      }
      if (pair) addText(pair.appendChild(make("span", { class: "joint" })), canonical.separator);
      pair = make("span", { class: "pair" }, quoted("span", { class: "name" }, part.name), make("span", { class: "joint", text: "=" }), quoted("span", {}, part.value + (part.cut ? "…" : "")));
      box.append(pair);
    }
    if (canonical.omitted) box.append(make("span", { class: "muted", text: ` … and ${canonical.omitted} more fields` }));
    if (canonical.after) {
      const at = canonical.after.indexOf("[key]");
      (pair ?? box).append(make("span", { class: "joint", text: canonical.after.slice(0, at) }));
      box.append(make("span", { class: "key", text: "[key]" }), canonical.after.slice(at + 5));
    }
    const title = make("h3", {}, "What is signed", make("span", { class: "muted", text: canonical.scheme }),
      canonical.cut ? null : make("button", { type: "button", class: "link", text: "Copy", onclick: () => copy(canonical.text, "Canonical string") }));
    const given = make("dl", { class: "pairs" }, make("dt", { text: "signature" }), quoted("dd", { class: "mono" }, canonical.given ?? "(none)"));
    const notes = weaknesses.map((weak) => quoted("p", { class: "note muted" }, `Not protected: ${weak.message}.`));
    return [make("div", { class: "block" }, title, box, given, ...notes)];
  }

  request() {
    const { told } = this;
    return make("div", { class: "block" },
      make("h3", { text: "Request" }),
      quoted("p", { class: "mono note" }, `${told.method} ${told.path}`),
      headers(told.headers), this.bytes(told.body, "Body"));
  }

  reply() {
    const { reply } = this.told;
    const said = reply.status === null ? "No HTTP reply" : `Status ${reply.status}`;
    const action = reply.action ? ` (${line(reply.action)})` : "";
    return make("div", { class: "block" }, make("h3", { text: "Our reply" }), make("p", { class: "note", text: said + action }),
      headers(reply.headers), this.bytes(reply.body, "Body"));
  }

  application() {
    const { forwarded } = this.told;
    return forwarded ? [make("div", { class: "block" }, make("h3", { text: "The application's reply" }), ...this.outcome(forwarded))] : [];
  }

  /** What came of a request that was sent, as nodes. */
  outcome(sent) {
    const where = quoted("p", { class: "mono note muted" }, `${sent.url}  (${span(sent.elapsed_ms)})`);
    if (sent.reply === null) return [where, make("p", { class: "note" }, make("b", { class: "bad", text: "✕ no reply: " }), quoted("span", {}, sent.error))];
    const { reply } = sent;
    const word = reply.acknowledges ? ["good", "✓ acknowledges"] : ["bad", "✕ does not acknowledge"];
    const said = make("p", { class: "note" }, make("b", { class: word[0], text: `${word[1]}, status ${reply.status}` }));
    if (reply.remark) said.append(quoted("span", {}, `: ${reply.remark}`));
    return [where, said, headers(reply.headers), this.bytes(reply.body, "Body")];
  }

  /** A body: shown in part where it is long, indented where it is JSON. */
  bytes(body, name) {
    if (body.bytes === 0) return make("p", { class: "muted note", text: "No body." });
    const box = make("div", {});
    const pre = make("pre", { tabindex: "0" });
    const neat = body.whole && body.utf8 ? indented(body.text) : null;
    const title = make("h3", { class: "body-title" }, `${name}, ${size(body.bytes)}${body.utf8 ? "" : ", not UTF-8: odd bytes as \\xNN"}`);
    let isNeat = false;
    const draw = () => { pre.replaceChildren(); addText(pre, isNeat ? neat : body.text, true); };
    const tools = make("p", { class: "note" });
    if (neat !== null && neat !== body.text) {
      const toggle = make("button", { type: "button", class: "link", text: "Indented", onclick: () => {
        isNeat = !isNeat;
        toggle.textContent = isNeat ? "As sent" : "Indented";
        draw();
      } });
      tools.append(toggle);
    }
    if (body.utf8 && body.whole) tools.append(make("button", { type: "button", class: "link", text: "Copy", onclick: () => copy(body.text, name) }));
    if (!body.whole) tools.append(make("button", { type: "button", class: "link", text: `Show all ${size(body.bytes)}`, onclick: () => this.show(this.told.row.id, { whole: true }) }));
    draw();
    box.append(title, pre, tools);
    return box;
  }

  async openReplay() {
    await this.ready;
    if (this.told) this.open("Replay the request as it came", null);
  }

  async openEdit() {
    await this.ready;
    const { told } = this;
    if (!told) return;
    if (told.editable.text === null) return say("this body is too long or no text: it cannot be edited here");
    const area = make("textarea", { spellcheck: "false", autocapitalize: "off", "aria-label": "The body to sign" });
    area.value = told.editable.text;
    this.open(told.editable.encoding === "query" ? "Edit the query string; the signature is made again" : "Edit the body; the signature is made again", area);
  }

  /** The sheet from which a request is sent. */
  open(title, area) {
    const { id } = this.told.row;
    const known = localStorage.getItem("replay-url") || this.state.forward_url || "";
    const url = make("input", { type: "url", placeholder: "http://127.0.0.1:3000/notify", "aria-label": "Where to send it", maxlength: 2000, list: "urls", autocomplete: "off" });
    url.value = known;
    const urls = make("datalist", { id: "urls" }, ...[this.state.forward_url, this.state.listen_url].filter(Boolean).map((value) => make("option", { value })));
    const outcome = make("div", { class: "outcome", role: "status" });
    const fail = (error) => outcome.replaceChildren(make("p", {}, make("b", { class: "bad", text: "✕ " }), quoted("span", {}, error.message)));
    const order = () => ({ id, url: url.value.trim(), ...(area ? { text: area.value } : {}) });
    const sign = async () => { if (area) area.value = (await ask("/api/sign", { id, text: area.value })).text; };
    const busy = async (work) => {
      send.disabled = true;
      try { await work(); } catch (error) { fail(error); } finally { send.disabled = false; }
    };
    const send = make("button", { type: "button", class: "main", text: area ? "Sign and send" : "Send", onclick: () => busy(async () => {
      await sign();
      outcome.replaceChildren(make("p", { class: "muted", text: "Sending…" }));
      const sent = await ask("/api/replay", order());
      localStorage.setItem("replay-url", order().url);
      outcome.replaceChildren(...this.outcome(sent));
    }) });
    const curl = make("button", { type: "button", text: "Copy as curl", onclick: () => busy(async () => {
      await sign();
      await copy((await ask("/api/curl", order())).command, "Command");
    }) });
    const only = area && make("button", { type: "button", text: "Sign and copy", onclick: () => busy(async () => { await sign(); await copy(area.value, "Signed text"); }) });
    const close = make("button", { type: "button", text: "Close", onclick: () => this.close() });
    url.addEventListener("keydown", (event) => { if (event.key === "Enter") send.click(); });
    this.sheet.replaceChildren(make("div", { class: "sheet", role: "group", "aria-label": title },
      make("label", { text: title }), area, make("label", { text: "Where to send it" }), make("div", { class: "line" }, url, send, only, curl, close), urls, outcome));
    (area ?? url).focus();
    this.sheet.scrollIntoView({ block: "nearest" });
  }

  /** Closes the sheet; returns whether there was one. */
  close() {
    const was = Boolean(this.sheet?.firstChild);
    this.sheet?.replaceChildren();
    if (was) this.box.focus();
    return was;
  }

  async copyCurl() {
    await this.ready;
    if (!this.told) return;
    const url = localStorage.getItem("replay-url") || this.state.forward_url || this.state.listen_url;
    try {
      await copy((await ask("/api/curl", { id: this.told.row.id, url })).command, "Command");
    } catch (error) {
      say(error.message);
    }
  }
}

function headers(list) {
  const pairs = make("dl", { class: "pairs mono" });
  for (const { name, value } of list.slice(0, 100)) pairs.append(quoted("dt", {}, name), quoted("dd", { class: "mono" }, value));
  return pairs;
}

/** JSON with line breaks, every literal as it was written; null where the text is not valid JSON. */
function indented(text) {
  try { JSON.parse(text); } catch { return null; }
  let out = "", depth = 0;
  const fresh = () => `\n${"  ".repeat(Math.min(depth, 40))}`;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g)) {
    if (token === "}" || token === "]") {
      depth -= 1;
      out += /[{[]$/.test(out.slice(-1)) ? token : fresh() + token;
    } else {
      if (/[{[,]$/.test(out.slice(-1)) && out.at(-1) !== undefined) out += fresh();
      out += token === ":" ? ": " : token;
      if (token === "{" || token === "[") depth += 1;
    }
  }
  return out;
}
