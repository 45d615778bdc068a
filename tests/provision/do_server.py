#!/usr/bin/env python3
"""A small cloud on loopback that speaks DigitalOcean's API v2 as far as comps uses it, and lies on
request.

  do_server.py PORT-FILE [TOKEN]     writes its port into PORT-FILE

Beside the API:
  POST   /_test/faults  [{"method","path" (a regular expression),"fault","times","skip",...}]  adds faults
  DELETE /_test/faults                                                                forgets them
  POST   /_test/set     {"boot_s","address_s","delete_s","hide_s",...}                changes the laws
  GET    /_test/state   everything there is
  GET    /_test/log     every request: {t, method, path, status, fault}
  DELETE /_test/log

Faults: drop_after (does it, then drops the connection), drop_before, truncate, status (with code, body,
headers), html, huge, deep, foreign_next, async_fail (accepts, then the droplet vanishes), delete_lost,
duplicate (makes two), hide (the new droplet is not found for hide_s), slow (seconds), no_links.
"""
import json
import os
import re
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REGIONS = ["nyc1", "nyc3", "sfo3", "fra1", "ams3"]
SIZES = [("s-1vcpu-512mb-10gb", 0.00595, 4.0), ("s-1vcpu-1gb", 0.00893, 6.0), ("s-1vcpu-2gb", 0.01786, 12.0)]


class Cloud:
    def __init__(self, token):
        self.lock = threading.RLock()
        self.token = token
        self.world = 0
        self.reset()

    def reset(self):
        self.world += 1
        self.next_id = 1000
        self.droplets, self.actions, self.keys, self.firewalls = {}, {}, {}, {}
        self.tags = set()
        self.faults, self.log = [], []
        self.laws = {"boot_s": 0.1, "address_s": 0.05, "delete_s": 0.05, "hide_s": 0.0, "pending_s": 0.0, "pending_end": "succeeded"}
        self.account = {"status": "active", "droplet_limit": 200, "email_verified": True}
        self.creations = 0
        self.slow = 0

    def new_id(self):
        self.next_id += 1
        return self.next_id

    def take_fault(self, method, path):
        with self.lock:
            for fault in self.faults:
                if fault.get("method", method) != method or not re.search(fault.get("path", ""), path):
                    continue
                if fault.get("skip", 0) > 0:
                    fault["skip"] -= 1
                    continue
                if fault.get("times", 1) > 0:
                    fault["times"] = fault.get("times", 1) - 1
                    return fault
        return {}

    # --- droplets ---

    def settle(self):
        now = time.monotonic()
        for number, d in list(self.droplets.items()):
            if d["dies"] and now >= d["dies"]:
                del self.droplets[number]
                if d["fails"]:
                    self.actions[d["action"]]["status"] = "errored"
            elif d["boots"] <= now and d["json"]["status"] == "new":
                d["json"]["status"] = "active"
                d["json"]["locked"] = False
                self.actions[d["action"]]["status"] = "completed"
            if d["addressed"] <= now:
                d["json"]["networks"]["v4"] = [
                    {"ip_address": "10.0.0.%d" % (number % 250 + 1), "type": "private"},
                    {"ip_address": "203.0.%d.%d" % (number // 250 % 250, number % 250 + 1), "type": "public"}]

        for firewall in self.firewalls.values():
            if firewall["status"] == "waiting" and firewall["until"] <= now:
                firewall["status"] = self.laws["pending_end"]

    def tag_count(self, tag):
        return sum(tag in d["json"]["tags"] for d in self.droplets.values()) + \
            sum(tag in f["tags"] for f in self.firewalls.values())

    def create_droplet(self, body, fault):
        number, action = self.new_id(), self.new_id()
        now = time.monotonic()
        price = next((s for s in SIZES if s[0] == body["size"]), None)
        if price is None or body.get("region") not in REGIONS:
            return 422, {"id": "unprocessable_entity", "message": "You specified an invalid size or region."}
        if not body.get("ssh_keys") or not re.fullmatch(r"[a-zA-Z0-9.\-]+", body["name"]):
            return 422, {"id": "unprocessable_entity", "message": "name or ssh_keys"}
        if any(k not in self.keys for k in body["ssh_keys"]):
            return 422, {"id": "unprocessable_entity", "message": "ssh_keys are invalid"}
        if not body.get("user_data", "").startswith("#cloud-config\n"):
            return 422, {"id": "unprocessable_entity", "message": "user_data"}
        self.creations += 1
        self.tags.update(body.get("tags", []))
        view = {"id": number, "name": body["name"], "status": "new", "locked": True,
                "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "region": {"slug": body["region"]}, "size_slug": body["size"],
                "size": {"slug": body["size"], "price_hourly": price[1], "price_monthly": price[2]},
                "networks": {"v4": [], "v6": []}, "tags": list(body.get("tags", []))}
        fails = fault.get("fault") == "async_fail"
        self.droplets[number] = {
            "json": view, "action": action, "fails": fails, "boots": now + self.laws["boot_s"],
            "addressed": now + self.laws["address_s"], "dies": now + 0.05 if fails else None,
            "hidden": now + (self.laws["hide_s"] if fault.get("fault") == "hide" else 0),
            "user_data": body["user_data"]}
        if fails:
            self.droplets[number]["boots"] = now + 1000
        self.actions[action] = {"id": action, "status": "in-progress", "type": "create", "resource_id": number}
        return 202, {"droplet": view, "links": {"actions": [{"id": action, "rel": "create", "href": "x"}]}}

    def delete_droplet(self, number, fault):
        d = self.droplets.get(number)
        if not d:
            return 404, {"id": "not_found", "message": "The resource you were accessing could not be found."}
        # as the real one: a deletion while the droplet is new may be lost
        if fault.get("fault") != "delete_lost" and d["json"]["status"] != "new":
            d["dies"] = d["dies"] or time.monotonic() + self.laws["delete_s"]
        return 204, None

    def visible(self):
        now = time.monotonic()
        return [d["json"] for d in self.droplets.values() if d["hidden"] <= now]

    # --- everything ---

    def page(self, root, items, query, fault):
        number, per = int(query.get("page", ["1"])[0]), int(query.get("per_page", ["20"])[0])
        part = items[(number - 1) * per:number * per]
        answer = {root: part, "meta": {"total": len(items)}, "links": {}}
        if number * per < len(items):
            answer["links"] = {"pages": {"next": "https://api.digitalocean.com/v2/%s?page=%d" % (root, number + 1)}}
        if fault.get("fault") == "foreign_next":
            answer["links"] = {"pages": {"next": fault["url"]}}
            del answer["meta"]
        return 200, answer

    def firewall(self, body, number=None):
        if any(f["name"] == body["name"] and f["id"] != number for f in self.firewalls.values()):
            return 409, {"id": "conflict", "message": "duplicate name"}
        for tag in body.get("tags", []):
            if tag not in self.tags:
                return 422, {"id": "unprocessable_entity", "message": "tag %s does not exist" % tag}
        for rule in body["inbound_rules"]:
            if not rule["sources"].get("addresses"):
                return 422, {"id": "unprocessable_entity", "message": "invalid address"}
            if rule.get("ports") in (None, "all", "1-65535"):
                rule["ports"] = "0"
        for rule in body["outbound_rules"]:
            if rule.get("ports") in (None, "all", "1-65535"):
                rule["ports"] = "0"
        number = number or "fw-%d" % self.new_id()
        pending = self.laws["pending_s"] > 0
        self.firewalls[number] = dict(body, id=number, status="waiting" if pending else "succeeded", pending_changes=[],
                                      until=time.monotonic() + self.laws["pending_s"])
        return (202 if number else 200), {"firewall": self.firewalls[number]}

    def key(self, body):
        if any(k["public_key"].split()[1] == body["public_key"].split()[1] for k in self.keys.values()):
            return 422, {"id": "unprocessable_entity", "message": "SSH Key is already in use on your account"}
        number = self.new_id()
        self.keys[number] = {"id": number, "name": body["name"], "public_key": body["public_key"], "fingerprint": "x"}
        return 201, {"ssh_key": self.keys[number]}

    def get(self, path, query, fault):
        if path == "/v2/account":
            return 200, {"account": self.account}
        if path == "/v2/regions":
            return self.page("regions", [{"slug": r, "available": True, "sizes": [s[0] for s in SIZES]} for r in REGIONS],
                             query, fault)
        if path == "/v2/sizes":
            return self.page("sizes", [{"slug": s[0], "available": True, "regions": REGIONS, "price_hourly": s[1],
                                        "price_monthly": s[2]} for s in SIZES], query, fault)
        if path == "/v2/images/debian-12-x64":
            return 200, {"image": {"id": 1, "slug": "debian-12-x64", "status": "available"}}
        if path == "/v2/account/keys":
            return self.page("ssh_keys", list(self.keys.values()), query, fault)
        if path == "/v2/tags":
            return self.page("tags", [{"name": t, "resources": {"count": self.tag_count(t)}} for t in sorted(self.tags)],
                             query, fault)
        if path == "/v2/firewalls":
            return self.page("firewalls", list(self.firewalls.values()), query, fault)
        if path == "/v2/droplets":
            tag = query.get("tag_name", [None])[0]
            return self.page("droplets", [d for d in self.visible() if tag is None or tag in d["tags"]], query, fault)
        match = re.fullmatch(r"/v2/actions/(\d+)", path)
        if match and int(match[1]) in self.actions:
            return 200, {"action": self.actions[int(match[1])]}
        return 404, {"id": "not_found", "message": "The resource you were accessing could not be found."}

    def write(self, method, path, body, fault):
        if (method, path) == ("POST", "/v2/droplets"):
            if fault.get("fault") == "duplicate":
                self.create_droplet(body, {})
            return self.create_droplet(body, fault)
        if (method, path) == ("POST", "/v2/tags"):
            self.tags.add(body["name"])
            return 201, {"tag": {"name": body["name"]}}
        if (method, path) == ("POST", "/v2/account/keys"):
            return self.key(body)
        if (method, path) == ("POST", "/v2/firewalls"):
            return self.firewall(body)
        kind, _, number = path[len("/v2/"):].rpartition("/")
        number = urllib.parse.unquote(number)
        if method == "PUT" and kind == "firewalls" and number in self.firewalls:
            return self.firewall(body, number)
        if method == "DELETE" and kind == "droplets" and number.isdigit():
            return self.delete_droplet(int(number), fault)
        if method == "DELETE" and kind == "firewalls" and number in self.firewalls:
            del self.firewalls[number]
            return 204, None
        if method == "DELETE" and kind == "account/keys" and number.isdigit() and int(number) in self.keys:
            del self.keys[int(number)]
            return 204, None
        if method == "DELETE" and kind == "tags" and number in self.tags:
            self.tags.discard(number)
            return 204, None
        return 404, {"id": "not_found", "message": "The resource you were accessing could not be found."}

    def state(self):
        return {"droplets": [dict(d["json"], user_data=d["user_data"]) for d in self.droplets.values()],
                "keys": list(self.keys.values()), "firewalls": list(self.firewalls.values()),
                "tags": sorted(self.tags), "creations": self.creations, "slow": self.slow}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cloud = None

    def log_message(self, *args):
        pass

    def body(self):
        length = int(self.headers.get("Content-Length") or 0)
        return json.loads(self.rfile.read(length)) if length else None

    def reply(self, status, data, kind="application/json", headers=None, cut=0):
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, str(value))
            if status != 204:
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
            self.send_header("RateLimit-Limit", "5000")
            self.end_headers()
            self.wfile.write(data[:len(data) - cut] if status != 204 else b"")
            self.wfile.flush()
        except OSError:
            self.close_connection = True
        if cut:
            self.close_connection = True

    def test(self, method):
        cloud = self.cloud
        answer = {}
        with cloud.lock:
            cloud.settle()
            if method == "GET":
                answer = {"state": cloud.state, "log": lambda: cloud.log}[self.path[7:]]()
            elif self.path == "/_test/faults":
                if method == "POST":
                    cloud.faults.extend(self.body())
                else:
                    cloud.faults.clear()
            elif self.path == "/_test/log":
                cloud.log.clear()
            elif self.path == "/_test/reset":
                cloud.reset()
            elif self.path == "/_test/remove":
                del cloud.droplets[self.body()["id"]]
            elif self.path == "/_test/firewall":
                cloud.firewall(self.body())
            elif self.path == "/_test/set":
                cloud.laws.update(self.body())
            elif self.path == "/_test/key":
                cloud.key(self.body())
            elif self.path == "/_test/account":
                cloud.account.update(self.body())
        self.reply(200, json.dumps(answer).encode())

    def do(self, method):
        if self.path.startswith("/_test/"):
            self.test(method)
            return
        world = self.cloud.world
        cloud, url = self.cloud, urllib.parse.urlsplit(self.path)
        query, body = urllib.parse.parse_qs(url.query), self.body()
        fault = cloud.take_fault(method, self.path)
        kind = fault.get("fault", "")
        if kind == "slow":
            cloud.slow += 1
            time.sleep(fault["seconds"])
        with cloud.lock:
            if world != cloud.world:  # a request of an earlier test, whose client is gone
                self.close_connection = True
                return
            cloud.settle()
            if self.headers.get("Authorization") != "Bearer " + cloud.token:
                status, answer = 401, {"id": "Unauthorized", "message": "Unable to authenticate you"}
            elif kind == "status":
                status, answer = fault["code"], fault.get("body", {"id": "x", "message": "as told"})
            elif kind == "drop_before":
                status, answer = 0, None
            elif method == "GET":
                status, answer = cloud.get(url.path, query, fault)
            else:
                status, answer = cloud.write(method, url.path, body, fault)
            cloud.log.append({"t": time.monotonic(), "method": method, "path": self.path, "status": status,
                              "fault": kind})
        if kind in ("drop_after", "drop_before"):
            self.close_connection = True
            return
        data = b"" if answer is None else json.dumps(answer).encode()
        if kind == "html":
            self.reply(fault.get("code", status), b"<html><body>502 Bad Gateway</body></html>", "text/html")
        elif kind == "huge":
            self.reply(status, b'{"x":"' + b"a" * (9 << 20) + b'"}')
        elif kind == "deep":
            self.reply(status, b'{"x":' + b"[" * 100000 + b"]" * 100000 + b"}")
        else:
            self.reply(status, data, headers=fault.get("headers"), cut=len(data) // 2 if kind == "truncate" else 0)

    def do_GET(self):
        self.do("GET")

    def do_POST(self):
        self.do("POST")

    def do_PUT(self):
        self.do("PUT")

    def do_DELETE(self):
        self.do("DELETE")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # a client that was killed


def main():
    Handler.cloud = Cloud(sys.argv[2] if len(sys.argv) > 2 else "dop_v1_test")
    server = Server(("127.0.0.1", 0), Handler)
    with open(sys.argv[1] + ".new", "w", encoding="ascii") as file:
        file.write("%d\n" % server.server_address[1])
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    server.serve_forever()


main()
