// The page of a real listener: a callback that is posted appears at once, and is sent again.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { signed, startListener } from "./listener.mjs";

const notification = (order) => signed({
  payout_id: order, payout_cl_id: "c-1", platform_id: "PF0014", amount: 400000, real_amount: 400000, fee: 3200,
  status: 3, create_time: 1567614049, update_time: 1567614111,
});

// A merchant that acknowledges everything and remembers the bodies.
async function merchant() {
  const bodies = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => { body += part; });
    request.on("end", () => {
      bodies.push(body);
      response.writeHead(200, { "Content-Type": "application/json", Connection: "close" });
      response.end('{"error_code":"0000"}');
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { bodies, url: `http://127.0.0.1:${server.address().port}/notify`, close: () => server.close() };
}

export async function driveListener({ program, page, test, shot }) {
  const [listener, shop] = [await startListener(program), await merchant()];
  const post = async (body) => {
    const headers = { "Content-Type": "application/json" };
    return (await fetch(listener.notifyUrl, { method: "POST", headers, body })).json();
  };
  const text = (selector) => page.eval(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ""`);

  await test("listen: a posted callback appears at once, with its verdict", async () => {
    await page.size(1280, 800);
    await page.go(listener.url);
    await page.until(`!document.getElementById("empty").hidden`);
    await page.until(`document.getElementById("live").textContent === "live"`);
    assert.equal((await post(notification("POT00000102"))).error_code, "0000");
    await page.until(`document.querySelectorAll(".row").length === 1`);
    assert.match(await text(".row"), /POT00000102/);
    assert.equal((await post(notification("POT00000103").replace("400000", "400001"))).error_code, "0004");
    await page.until(`document.querySelectorAll(".row").length === 2`);
    assert.match(await text("#list"), /signature/);
    await shot("listen");
  });

  await test("listen: what is kept is there after a new start of the page, and is sent again", async () => {
    await page.go(listener.url);
    await page.until(`document.querySelectorAll(".row").length === 2`);
    await page.press("j");
    await page.until(`document.querySelector("#detail .head") !== null`);
    assert.match(await text(".canonical"), /\[key\]$/);
    await page.press("e");
    await page.until(`document.querySelector(".sheet textarea") !== null`);
    await page.eval(`document.querySelector(".sheet textarea").value = '{"a":"edited"}'`);
    await page.eval(`document.querySelector(".sheet input").value = ${JSON.stringify(shop.url)}; document.querySelector(".sheet .main").click()`);
    await page.until(`document.querySelector(".outcome").textContent.includes("acknowledges")`);
    assert.match(shop.bodies.join("\n"), /^\{"a":"edited","sign":"[0-9a-f]{32}"\}$/);
    await page.press("Escape");
  });

  await listener.stop();
  shop.close();
}
