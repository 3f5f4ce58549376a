"""A small web shop's evening, for ./dev demo: something of everything a profile can show.

A few threads serve orders (parsing, pricing, rendering), one counts the takings, one waits for
news that never come. Runs for the number of seconds given, 10 by default.
"""

import collections
import hashlib
import json
import queue
import random
import re
import sys
import threading
import time

WORDS = "apple bread cheese dates endive fennel grapes honey ice jam kale lemon".split()
LINE = re.compile(r"(?P<count>\d+)\s*x\s*(?P<article>\w+)")


class Catalogue:
    def __init__(self):
        self.prices = {word: 100 + 7 * len(word) for word in WORDS}

    def price(self, article):
        return self.prices[article]

    def search(self, text):
        return sorted(word for word in self.prices if self.distance(word, text) < 4)

    def distance(self, left, right):
        """Levenshtein's, the plain way: the deliberate hot spot."""
        previous = list(range(len(right) + 1))
        for row, a in enumerate(left, 1):
            current = [row]
            for column, b in enumerate(right, 1):
                current.append(min(previous[column] + 1, current[-1] + 1,
                                   previous[column - 1] + (a != b)))
            previous = current
        return previous[-1]


class Order:
    def __init__(self, text, catalogue):
        self.text = text
        self.catalogue = catalogue
        self.lines = list(self.parse())

    def parse(self):
        for match in LINE.finditer(self.text):
            yield int(match.group("count")), match.group("article")

    def total(self):
        return sum(count * self.catalogue.price(article) for count, article in self.lines)

    def discount(self, depth=8):
        """Recursion, to give the picture some height."""
        return self.total() // 50 if depth == 0 else self.discount(depth - 1)

    def render(self):
        rows = []
        for count, article in self.lines:
            rows.append("%3d %-10s %8s" % (count, article, self.money(count, article)))
        return "\n".join(rows)

    def money(self, count, article):
        return "{:,.2f}".format(count * self.catalogue.price(article) / 100)


def customers(seed):
    chance = random.Random(seed)
    while True:
        yield ", ".join("%d x %s" % (chance.randint(1, 9), chance.choice(WORDS))
                        for _ in range(chance.randint(5, 40)))


def receipt(order):
    body = json.dumps({"lines": order.lines, "total": order.total() - order.discount(),
                       "text": order.render()}, indent=1)
    return hashlib.sha256(body.encode()).hexdigest(), body


def serve(end, seed, till):
    catalogue = Catalogue()
    for text in customers(seed):
        if time.monotonic() > end:
            return
        order = Order(text, catalogue)
        catalogue.search(order.lines[0][1][:-1] + "x")
        try:
            till.put(receipt(order), timeout=0.1)
        except queue.Full:
            continue


def count_takings(end, till):
    takings = collections.Counter()
    while time.monotonic() < end:
        try:
            _, body = till.get(timeout=0.1)
        except queue.Empty:
            continue
        for count, article in json.loads(body)["lines"]:
            takings[article] += count
    best = takings.most_common(1)
    print("sold most:", best[0][0] if best else "nothing")


def wait_for_news(closing):
    closing.wait()


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    end = time.monotonic() + seconds
    till = queue.Queue(maxsize=100)
    closing = threading.Event()
    threads = [threading.Thread(target=serve, args=(end, seed, till), name="server-%d" % seed,
                                daemon=True) for seed in (1, 2)]
    threads.append(threading.Thread(target=wait_for_news, args=(closing,), name="news"))
    for thread in threads:
        thread.start()
    count_takings(end, till)
    closing.set()


if __name__ == "__main__":
    main()
