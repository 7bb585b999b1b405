// A small merchant that does it right, on Node's standard library: verify, credit once, acknowledge.
//   PAYOUT_NOTIFY_KEY=... CREDIT_FILE=credits.txt node merchant.mjs 8080
// REQUIRE_HMAC=1 refuses MD5. DIALECT=epay takes the notifications of epay. A line of CREDIT_FILE is
// "order amount"; observe.py adds them up.

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { createServer } from "node:http";

const KEY = process.env.PAYOUT_NOTIFY_KEY;
if (!KEY) throw new Error("PAYOUT_NOTIFY_KEY is not set");
const CREDIT_FILE = process.env.CREDIT_FILE ?? "credits.txt";
const REQUIRE_HMAC = process.env.REQUIRE_HMAC === "1";
const EPAY = process.env.DIALECT === "epay";
const [MAX_BYTES, MAX_DEPTH] = [1 << 20, 127];
const [CANCELLED, FAILED, HTTP_STATUS] = ["4", "5", { "0021": 400, "0022": 415, "0023": 405 }];
const SUCCESS = EPAY ? "TRADE_SUCCESS" : "3";
const IDS = EPAY ? ["trade_no", "out_trade_no", "pid"] : ["payout_id", "payout_cl_id", "platform_id"];
const OTHERS = EPAY ? ["trade_status", "money"] : ["status", "amount", "fee", "create_time", "update_time"];
const STATUS = EPAY ? /^TRADE_[A-Z]+$/ : /^[0-9]{1,2}$/;
const TOKEN = /"(?:[^"\\]+|\\.)*"|[-0-9][-+0-9.eE]*|true|false|null|[{}[\],:]/gs;

// The members of a JSON object as { kind, text }, where text is what is signed: JSON.parse alone would
// turn 1.10 into 1.1, round 2^53+1, and keep the last of two equal members.
function parse(body) {
  const json = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  JSON.parse(json); // Throws on what is not JSON, so that the tokens are where they must be.
  const tokens = json.match(TOKEN)[Symbol.iterator]();
  const next = () => tokens.next().value;
  const string = (token) => {
    encodeURIComponent(JSON.parse(token)); // Throws on half of a surrogate pair.
    return JSON.parse(token);
  };
  const read = (token, depth) => {
    if (depth > MAX_DEPTH) throw new SyntaxError("nested too deeply");
    if (token[0] === '"') return { kind: "string", text: depth === 1 ? string(token) : JSON.stringify(string(token)) };
    if (token !== "{" && token !== "[") return { kind: token === "null" ? "null" : "other", text: token };
    const [members, parts] = [new Map(), []];
    for (let first = next(); first !== "}" && first !== "]"; first = next()) {
      if (first === ",") first = next();
      const name = token === "{" ? string(first) : members.size;
      if (members.has(name)) throw new SyntaxError("duplicate field");
      if (token === "{") next();
      const value = read(token === "{" ? next() : first, depth + 1);
      members.set(name, value);
      parts.push(token === "{" ? `${JSON.stringify(name)}:${value.text}` : value.text);
    }
    return { kind: token, text: token + parts.join(",") + (token === "{" ? "}" : "]"), members };
  };
  const whole = read(next(), 0);
  if (whole.kind !== "{") throw new SyntaxError("not an object");
  return whole.members;
}

// The pairs of a query in the same form. decodeURIComponent throws on what is not UTF-8.
function parsePairs(query) {
  const members = new Map();
  for (const pair of query.split("&")) {
    const [name, text, more] = pair.split("=").map((part) => decodeURIComponent(part.replaceAll("+", " ")));
    if (text === undefined || more !== undefined || members.has(name)) throw new SyntaxError("not a pair, or a name twice");
    members.set(name, { kind: "string", text });
  }
  return members;
}

// Every member received is signed, known or not; sign_type chooses the digest.
function isSigned(members) {
  const names = [...members.keys()].filter((name) => name !== "sign" && name !== "sign_type");
  names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const pairs = names.map((name) => ({ name, ...members.get(name) }));
  const signed = pairs.filter(({ kind, text }) => kind !== "null" && text !== "")
    .map(({ name, text }) => `${name}=${text}`).join("&");
  const sign = members.get("sign");
  if (sign?.kind !== "string") return false;
  let type = members.get("sign_type")?.text.toUpperCase() ?? "NULL";
  if (type === "NULL" || type === "") type = /^[0-9a-f]{64}$/i.test(sign.text) ? "HMAC-SHA256" : "MD5";
  let expected;
  if (type === "HMAC-SHA256" && !EPAY) expected = createHmac("sha256", KEY).update(signed).digest("hex");
  else if (type === "MD5" && !REQUIRE_HMAC) expected = createHash("md5").update(signed + (EPAY ? "" : "&") + KEY).digest("hex");
  else return false;
  const [a, b] = [Buffer.from(expected), Buffer.from(sign.text)];
  return a.length === b.length && timingSafeEqual(a, b);
}

// Credits an order once, and returns when that is on the disk: only then it may be acknowledged.
// A database would hold the order as a unique key, in the transaction that credits.
const credited = new Set(existsSync(CREDIT_FILE)
  ? readFileSync(CREDIT_FILE, "utf8").split("\n").map((line) => line.split(" ")[0]) : []);
const file = openSync(CREDIT_FILE, "a");
function credit(order, amount) {
  if (credited.has(order)) return;
  writeSync(file, `${order} ${amount}\n`);
  fsyncSync(file);
  credited.add(order);
}

// The platform's code for a body.
function answer(body) {
  let members;
  try {
    members = EPAY ? parsePairs(body) : parse(body);
  } catch {
    return "0021";
  }
  if (!isSigned(members)) return "0004";
  // A field that is missing may have been moved into another one's text: "&" is not escaped when signing.
  const ids = IDS.map((name) => members.get(name));
  const [status, cents, ...others] = OTHERS.map((name) => members.get(name)?.text);
  const amount = /^([0-9]{1,16})(?:\.([0-9]{2})0*)?$/.exec(cents ?? "");
  const isId = (id) => id?.kind === "string" && /^[^&\s]+$/.test(id.text);
  if (!ids.every(isId) || !others.every(Boolean) || !amount || !STATUS.test(status ?? "")) return "0002";
  // Sisters of the platform write the major unit, and it with decimals: 123.4500 is 12345 cents.
  if (status === SUCCESS) credit(ids[0].text, amount[1] + (amount[2] ?? (EPAY ? "00" : "")));
  // The order is final: a success that comes later is not credited.
  if (status === CANCELLED || status === FAILED) credit(ids[0].text, "0");
  return "0000"; // A payout that failed is acknowledged too.
}

const server = createServer({ requestTimeout: 15_000 }, (request, response) => {
  const reply = (code) => {
    const headers = { "Content-Type": EPAY ? "text/plain" : "application/json;charset=utf-8" };
    if (code !== "0000") headers.Connection = "close"; // The body may not have been read to its end.
    response.writeHead(HTTP_STATUS[code] ?? 200, headers)
      .end(EPAY ? (code === "0000" ? "success" : "fail") : JSON.stringify({ error_code: code }));
  };
  if (request.method !== (EPAY ? "GET" : "POST")) return reply("0023");
  if (EPAY) return reply(answer(request.url.split("?")[1] ?? ""));
  const type = (request.headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
  if (type !== "application/json") return reply("0022");
  let [chunks, length] = [[], 0];
  request.on("data", (chunk) => {
    length += chunk.length;
    if (length <= MAX_BYTES) chunks.push(chunk);
    else chunks = [];
  });
  request.on("end", () => reply(length > MAX_BYTES ? "0021" : answer(Buffer.concat(chunks))));
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
