// Text that strangers wrote, made safe to look at, and small tools for the document.

// What is invisible or turns text around: controls, separators, bidi marks, joiners, fillers, tags.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|[\ud800-\udfff]/gu;

const NAMED = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escaped(character) {
  const code = character.codePointAt(0);
  if (NAMED[character]) return NAMED[character];
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

/** One line of text with every hidden character as a visible escape. */
export function line(text) {
  return String(text ?? "").replace(HIDDEN, escaped);
}

/** The most escapes that are marked one by one; more would make the page slow. */
const MAX_MARKS = 2000;

/** Adds text to a node: hidden characters are marked escapes, line breaks stay where `breaks` is given. */
export function addText(node, text, breaks) {
  text = String(text ?? "");
  let from = 0, marks = 0;
  for (const found of text.matchAll(HIDDEN)) {
    const character = found[0];
    if (breaks && (character === "\n" || character === "\t")) continue;
    if (++marks > MAX_MARKS) {
      node.append(text.slice(from).replace(HIDDEN, (c) => (breaks && c === "\n" ? c : escaped(c))));
      return node;
    }
    node.append(text.slice(from, found.index), make("span", { class: "hidden-char", text: escaped(character) }));
    from = found.index + character.length;
  }
  node.append(text.slice(from));
  return node;
}

/** An element; `text` becomes a text node, `on…` a listener, everything else an attribute. */
export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An element with text of a stranger in it. */
export function quoted(tag, properties, text, breaks) {
  return addText(make(tag, properties), text, breaks);
}

export function amount(cents) {
  if (cents === null || cents === undefined) return "";
  const sign = cents < 0 ? "-" : "", whole = Math.abs(cents);
  return `${sign}${Math.floor(whole / 100).toLocaleString("en-US")}.${String(whole % 100).padStart(2, "0")}`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export function clock(ms) {
  return CLOCK.format(ms);
}

/** A span of time in the two largest units that matter. */
export function span(ms) {
  if (ms < 0) ms = 0;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  const whole = Math.round(s), two = (n) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(2)} MiB`;
}

const CODES = { "0000": "valid", "0002": "fields", "0004": "signature", "0021": "not JSON", "0022": "type", "0023": "method" };

/** The verdict in a word, with a mark so that colour is not all that tells it. */
export function verdict(row) {
  if (row.valid) return "✓ valid";
  return `✕ ${CODES[row.code] ?? line(row.code)}`;
}

export function status(row) {
  if (row.status_name) return row.status_name;
  return row.status === null || row.status === undefined ? "" : `status ${row.status}`;
}

/** The reply's status, and the application's time where one was asked. */
export function answer(row) {
  const took = row.forwarded ? ` ${span(row.forwarded.elapsed_ms)}` : "";
  return `${row.reply_status ?? "none"}${took}`;
}

let saying;

/** Says something at the bottom of the page for a moment. */
export function say(text) {
  const said = document.getElementById("said");
  said.textContent = line(text);
  said.classList.add("on");
  clearTimeout(saying);
  saying = setTimeout(() => said.classList.remove("on"), 2200);
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied`);
  } catch {
    // The clipboard may be forbidden: the text is then shown, chosen, to be copied by hand.
    const area = make("textarea", { "aria-label": what, rows: 8, readonly: true });
    area.value = text;
    const close = make("button", { type: "button", class: "main", text: "Close", onclick: () => dialog.close() });
    const dialog = make("dialog", {}, make("h2", { text: `${what}: copy it from here` }), make("div", { class: "sheet" }, area), close);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    area.select();
  }
}

/** Asks the server; what it says is wrong becomes an Error. */
export async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Inspector": "1" },
    body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(path, { ...options, credentials: "same-origin" });
  } catch {
    throw new Error("payout-notify does not answer; is it still running?");
  }
  const text = await answer.text();
  let told = {};
  try { told = JSON.parse(text); } catch { told = { error: text.slice(0, 300) }; }
  if (!answer.ok) throw new Error([told.error || `the server said ${answer.status}`, told.hint].filter(Boolean).join(": "));
  return told;
}
