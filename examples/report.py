"""A report on a summer's sales that takes more memory than it should, for `pyspyc mem`.

It keeps every row that it reads, copies of them by article, and a cache of pages that never
forgets. Runs for some seconds.
"""

import collections
import time

DAYS = 90
ROWS = 2000
ARTICLES = "apple bread cheese dates endive fennel grapes honey ice jam kale lemon".split()

rows = []
by_article = collections.defaultdict(list)
cache = {}


def read(day):
    for number in range(ROWS):
        article = ARTICLES[number % len(ARTICLES)]
        rows.append("day %d, order %d: %s" % (day, number, article))


def sort_by_article():
    for row in rows:
        day, _, article = row.partition(": ")
        by_article[article].append(day)


def render(day):
    lines = [row.title() for row in rows if row.startswith("day %d," % day)]
    return "\n".join(lines) * 10


def main():
    for day in range(DAYS):
        read(day)
    sort_by_article()
    for day in range(DAYS):
        cache[day] = render(day)
    temporary = bytearray(b"report") * (5 << 20)
    print(len(rows), "rows,", len(cache), "pages,", len(temporary), "bytes of report")
    del temporary
    time.sleep(0.5)


main()
