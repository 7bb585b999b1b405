"""Calls one tool of `payout-notify mcp` as an agent's client does, and prints the result; no library is needed.

PAYOUT_NOTIFY_KEY=... python3 call.py TOOL ['{"argument": "value"}'] [FLAGS OF payout-notify mcp]
"""
import json, subprocess, sys

tool, arguments, *flags = [*sys.argv[1:3], "{}"][:2] + sys.argv[3:]
server = subprocess.Popen(["payout-notify", "mcp", *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

def send(method, params, **more):
    server.stdin.write(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}) + "\n")
    server.stdin.flush()

def request(number, method, params):
    send(method, params, id=number)
    for line in server.stdout:
        reply = json.loads(line)
        if reply.get("id") == number:
            return reply["result"] if "result" in reply else sys.exit(reply["error"]["message"])
    sys.exit("the server ended without a reply")

about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "call.py", "version": "1"}}
request(1, "initialize", about)
send("notifications/initialized", {})
result = request(2, "tools/call", {"name": tool, "arguments": json.loads(arguments)})
server.stdin.close()
server.wait()
print(json.dumps(result["structuredContent"], indent=2, ensure_ascii=False))
