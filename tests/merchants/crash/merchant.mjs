// A merchant on Node that keeps an append-only ledger, with one chosen flaw: merchant.mjs MODE PORT FOLDER
//
// Without a flaw (`right`) it writes the booking to the disk before it acknowledges, and reads at its start what
// is booked. FOLDER/ledger.txt is what was booked, as "payout_id credited|refunded cents"; observe.py shows it.
// `--list` prints the modes, each with the report or the text that describes the flaw.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { appendFileSync, existsSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const KEY = "ThisIsYourSecretKey123";
const [ACKNOWLEDGED, BAD_SIGNATURE, BUSY] = ["0000", "0004", "0009"];
const MOVES = { 3: "credited", 4: "refunded", 5: "refunded" };
// Milliseconds that a call to a database or a wallet takes.
const CALL = 20;
const [mode, port, folder] = process.argv.slice(2);
const path = (name) => `${folder}/${name}`;
const lines = (name) => (existsSync(path(name)) ? readFileSync(path(name), "utf8") : "").split("\n").slice(0, -1).map((line) => line.split(" "));

function isSigned(payload) {
  const names = Object.keys(payload).filter((name) => !["sign", "sign_type"].includes(name) && payload[name] !== "" && payload[name] !== null);
  const text = names.sort().map((name) => `${name}=${payload[name]}`).join("&");
  const sign = String(payload.sign ?? "");
  const expected = sign.length === 64 ? createHmac("sha256", KEY).update(text).digest("hex") : createHash("md5").update(`${text}&${KEY}`).digest("hex");
  return sign.length === expected.length && timingSafeEqual(Buffer.from(sign), Buffer.from(expected));
}

const seen = new Set();
const loadLedger = () => lines("ledger.txt").forEach(([order]) => seen.add(order));
const loadRecord = () => lines("seen.txt").forEach(([order]) => seen.add(order));

let ledger;
function write(n) {
  ledger ??= openSync(path("ledger.txt"), "a");
  const [line, before] = [`${n.order} ${n.what} ${n.cents}\n`, fstatSync(ledger).size];
  try {
    if (writeSync(ledger, line) < line.length) throw new Error("the disk is full");
    fsyncSync(ledger);
  } catch (error) {
    ftruncateSync(ledger, before);
    throw error;
  }
}

function record(order) {
  seen.add(order);
  appendFileSync(path("seen.txt"), `${order}\n`, { flush: true });
}

function book(n) {
  write(n);
  seen.add(n.order);
}

async function right(n) {
  if (!seen.has(n.order)) book(n);
}

const busy = new Set();
let slots = 3;
const waiting = [];
let buffered = [];
let state = { orders: {}, credited: 0, refunded: 0 };

function saveLater(n) {
  seen.add(n.order);
  buffered.push(n);
}

// A mode is a source, what it does at its start, and how it handles a final notification: it returns once it may
// be acknowledged, or returns another code.
const MODES = {
  right: ["-", loadLedger, right],
  "floating-promise": ["typescript-eslint, no-floating-promises: the reply does not wait for the write", loadLedger, async (n) => {
    if (!seen.has(n.order)) sleep(CALL).then(() => right(n));
  }],
  "await-between-check-and-act": ["The-Leetcode-City#361; ESLint, require-atomic-updates", loadLedger, async (n) => {
    if (seen.has(n.order)) return;
    await sleep(CALL);
    book(n);
  }],
  "total-written-back": ["OWASP, race conditions: a balance is read, awaited and written back", () => {
    if (existsSync(path("state.json"))) state = JSON.parse(readFileSync(path("state.json"), "utf8"));
  }, async (n) => {
    if (state.orders[n.order]) return;
    if (busy.has(n.order)) return BUSY;
    busy.add(n.order);
    const total = state[n.what];
    await sleep(CALL);
    state[n.what] = total + n.cents;
    state.orders[n.order] = true;
    writeFileSync(path("state.json.new"), JSON.stringify(state), { flush: true });
    renameSync(path("state.json.new"), path("state.json"));
  }],
  "truncating-write": ["nconf#184, xyops#433: the file is empty while it is written", () => {
    try {
      buffered = readFileSync(path("ledger.txt"), "utf8").split("\n").slice(0, -1);
    } catch {
      buffered = [];
    }
    buffered.forEach((line) => seen.add(line.split(" ")[0]));
  }, async (n) => {
    if (seen.has(n.order)) return;
    seen.add(n.order);
    buffered.push(`${n.order} ${n.what} ${n.cents}`);
    const file = openSync(path("ledger.txt"), "w");
    // The text is long in practice, and is written in pieces.
    await sleep(CALL);
    writeSync(file, buffered.join("\n") + "\n");
    fsyncSync(file);
  }],
  "saved-at-exit": ["Twelve-Factor App, IX. Disposability: sudden death", () => {
    loadLedger();
    const save = () => buffered.splice(0).forEach(write);
    setInterval(save, 1000);
    process.on("SIGTERM", () => {
      save();
      process.exit();
    });
  }, async (n) => {
    if (!seen.has(n.order)) saveLater(n);
  }],
  "busy-after-disconnect": ["express-idempotency#32: an interrupted request leaves its key in progress", loadLedger, async (n, response) => {
    if (seen.has(n.order)) return;
    if (busy.has(n.order)) return BUSY;
    busy.add(n.order);
    await sleep(CALL);
    if (response.destroyed) throw new Error("the client went away");
    busy.delete(n.order);
    await right(n);
  }],
  "pool-leak": ["quart-db#15, mysqljs/mysql#1877: a connection is not released when the client goes away", loadLedger, async (n, response) => {
    if (slots === 0) await new Promise((resolve) => waiting.push(resolve));
    else slots -= 1;
    response.once("finish", () => (waiting.length ? waiting.shift()() : (slots += 1)));
    await sleep(CALL);
    await right(n);
  }],
  "cancelled-by-disconnect": ["PHP manual, connection handling: the script ends with its client", () => {
    loadLedger();
    loadRecord();
  }, async (n, response) => {
    if (seen.has(n.order)) return;
    record(n.order);
    await sleep(CALL);
    if (!response.destroyed) write(n);
  }],
  "error-is-cached": ["Stripe, idempotent requests: a 500 is stored and returned for ever", () => {
    loadLedger();
    lines("failed.txt").forEach(([order]) => busy.add(order));
  }, async (n, response) => {
    if (busy.has(n.order)) return BUSY;
    await sleep(CALL);
    if (!response.destroyed) return right(n);
    busy.add(n.order);
    appendFileSync(path("failed.txt"), `${n.order}\n`, { flush: true });
  }],
  "queue-in-memory": ["kue#29, bullmq#439: the job is in the memory of a process", loadRecord, async (n) => {
    if (seen.has(n.order)) return;
    record(n.order);
    setTimeout(write, CALL, n);
  }],
};

if (mode === "--list") {
  for (const [name, [source]] of Object.entries(MODES)) console.log(`${name}\t${source}`);
  process.exit();
}
if (!(mode in MODES)) throw new Error(`no mode is called ${mode}; --list prints them`);
const [, start, handle] = MODES[mode];

function parse(body) {
  const payload = JSON.parse(body);
  const [order, what, cents] = [payload.payout_id, MOVES[payload.status], Number(payload.amount)];
  if (![order, payload.payout_cl_id, payload.platform_id].every((id) => /^[^&\s]+$/.test(id)) || !Number.isSafeInteger(cents)) throw new Error("a field");
  return { payload, order, what, cents };
}

async function answer(body, response) {
  let n;
  try {
    n = parse(body);
  } catch {
    return [400, "0021"];
  }
  if (!isSigned(n.payload)) return [200, BAD_SIGNATURE];
  const code = (n.what && (await handle(n, response))) || ACKNOWLEDGED;
  return [code === BUSY ? 503 : 200, code];
}

mkdirSync(folder, { recursive: true });
start();
createServer(async (request, response) => {
  const chunks = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
    const [status, code] = await answer(Buffer.concat(chunks).toString(), response);
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify({ error_code: code }));
  } catch {
    response.destroy();
  }
}).listen(Number(port), "127.0.0.1");
