// A real listener for the browser: its inbox is filled over HTTP, as a platform would.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const KEY = "ThisIsYourSecretKey123";
const CONNECTIONS = 16;

// A notification with the signature of its fields; empty fields are not signed.
export function signed(fields) {
  const names = Object.keys(fields).sort().filter((name) => fields[name] !== "");
  const text = names.map((name) => `${name}=${fields[name]}`).join("&");
  return JSON.stringify({ ...fields, sign: createHash("md5").update(`${text}&${KEY}`).digest("hex") });
}

const MEMOS = {
  4: "<script>alert(1)</script><img src=x onerror=alert(2)>",
  5: "\u202egnp.exe\u200b \u001b[31mred",
  6: "付款成功 🙂",
};

// Callback `id`: four deliveries of each order; some are signed with a usual mistake, some are not JSON.
function callback(id) {
  const order = Math.floor(id / 4);
  const amount = 10_000 + (order * 7919) % 900_000;
  const body = signed({
    payout_id: `POT${String(order).padStart(8, "0")}`, payout_cl_id: `order-${order}`, platform_id: "PF0014",
    amount, real_amount: amount, fee: 3200, status: [2, 3, 3, 5][order % 4], create_time: 1790000000,
    update_time: 1790000042, memo: MEMOS[order % 9] ?? "", error_msg: "",
  });
  switch (id % 17) {
    case 4: return body.replace(/"sign":"([0-9a-f]+)"/, (_, digest) => `"sign":"${digest.toUpperCase()}"`);
    case 9: return body.replace("3200", "0");
    case 13: return "payout_id=POT&status=3";
    default: return body;
  }
}

function post(agent, url, body) {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const sent = request(url, { agent, method: "POST", headers }, (response) => {
      response.resume();
      response.on("end", resolve);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

// Starts `listen --inspect` with an inbox of `count` callbacks.
export async function startListener(program, count = 0, more = []) {
  const home = mkdtempSync(join(tmpdir(), "inspector-"));
  const child = spawn(program, ["listen", "--bind", ":0", "--format", "json", "--inspect", ...more], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { HOME: home, PAYOUT_NOTIFY_KEY: KEY },
  });
  const lines = createInterface({ input: child.stdout });
  const ready = await new Promise((resolve, reject) => {
    lines.once("line", (line) => resolve(JSON.parse(line)));
    child.once("exit", (code) => reject(new Error(`the listener ended with ${code}`)));
  });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let next = 1;
  const bring = async (more) => {
    const end = next + more;
    const worker = async () => {
      while (next < end) await post(agent, ready.url, callback(next++));
    };
    await Promise.all(Array.from({ length: Math.min(CONNECTIONS, more) }, worker));
  };
  const stop = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    agent.destroy();
    child.kill("SIGINT");
    await ended;
    rmSync(home, { recursive: true, force: true });
  };
  await bring(count);
  return { url: ready.inspector, notifyUrl: ready.url, bring, take: (body) => post(agent, ready.url, body), stop };
}
