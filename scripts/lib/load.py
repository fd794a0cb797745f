"""Small order flow for tests of whole networks, and the memory of what was acknowledged."""

import http.client
import random
import threading

from node_client import RequestError


class AcknowledgedOrders:
    """Post-only buys far below the market, which nothing can fill: each one acknowledged must rest on every node."""

    def __init__(self, market, account="keeper"):
        self.market = market
        self.account = account
        self.order_ids = []
        self.tick = 0

    def fund(self, client):
        client.post("/api/v1/orders", {"op": "faucet", "account": self.account, "asset": "USD", "amount": "1000000"})

    def submit(self, client, count=1):
        """Sends `count` orders in one request and remembers those that the node acknowledged as resting."""
        orders = []
        for _ in range(count):
            self.tick = self.tick % 9000 + 1
            orders.append({"account": self.account, "market": self.market, "side": "buy",
                           "price": f"{self.tick // 100}.{self.tick % 100:02}", "quantity": "1", "post_only": True})
        answer = client.post("/api/v1/orders", orders)
        for result in answer["results"]:
            if result["status"] == "resting" and result["durable"]:
                self.order_ids.append(result["order_id"])

    def missing(self, client):
        """The acknowledged orders that do not rest on this node."""
        gone = []
        for order_id in self.order_ids:
            try:
                if client.get(f"/api/v1/orders/{order_id}")["leaves"] in ("0", ""):
                    gone.append(order_id)
            except RequestError as error:
                if error.status != 404:
                    raise
                gone.append(order_id)
        return gone


class CrossingFlow:
    """Random orders of one account around one price, so that trades happen. A function of the seed and the answers."""

    def __init__(self, market, account, seed, base_asset=None):
        self.market = market
        self.account = account
        self.random = random.Random(seed)
        self.base_asset = base_asset or market.split("-")[0]
        self.acknowledged = 0

    def fund(self, client):
        for asset in ("USD", self.base_asset):
            client.post("/api/v1/orders", {"op": "faucet", "account": self.account, "asset": asset, "amount": "1000000"})

    def submit(self, client, count=10):
        orders = [{"account": self.account, "market": self.market, "side": self.random.choice(("buy", "sell")),
                   "price": f"{self.random.randint(9950, 10050) / 100:.2f}", "quantity": str(self.random.randint(1, 9))}
                  for _ in range(count)]
        client.post("/api/v1/orders", orders)
        self.acknowledged += count


class LoadThread(threading.Thread):
    """Calls submit(client) in turn for each (flow, client) until stopped; nodes that do not answer are passed over."""

    def __init__(self, pairs, pause_s=0.01):
        super().__init__(daemon=True)
        self.pairs = pairs
        self.pause_s = pause_s
        self.stopping = threading.Event()
        self.refused = 0
        self.failure = None

    def run(self):
        while not self.stopping.is_set():
            for flow, client in self.pairs:
                try:
                    flow.submit(client)
                except (OSError, http.client.HTTPException):
                    self.refused += 1
                except RequestError as error:
                    self.refused += 1
                    if error.status not in (429, 503):
                        self.failure = error
                        return
                if self.stopping.wait(self.pause_s):
                    return

    def stop(self):
        """Ends the thread; raises what made it fail, if something did."""
        self.stopping.set()
        self.join()
        if self.failure is not None:
            raise self.failure
