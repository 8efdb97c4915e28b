#!/usr/bin/env python3
"""Measures how an authority bears a crowd, on SQLite and on PostgreSQL with a synchronous standby, and writes figures and curve into the docs.

`bench.py` measures it all (some 15 minutes); `bench.py steady` or `bench.py outage` one of both. REPRIEVE_CLIENTS takes fewer clients, to try it.
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import rig

DOCS = rig.ROOT / "docs"
PAGE = DOCS / "performance.md"
PICTURE = DOCS / "pictures" / "stampede.svg"
PROGRAM = rig.target() / "release" / "examples" / "stampede"
CLIENTS = int(os.environ.get("REPRIEVE_CLIENTS", "100000"))
STEADY = str(min(CLIENTS, 20_000))
# A renewal may cost twice what it cannot do without.
AT_MOST = 2.0


def load():
    return f"{os.getloadavg()[0]:.2f}"


def stampede(database, *args):
    urls = [word for url in database for word in ("--database", url)]
    done = subprocess.run([str(PROGRAM), "--program", str(rig.program()), *urls, *args], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def steady():
    rows, before = [], load()
    measured = [("SQLite, one file", "the same on SQLite", stampede(["sqlite:authority.db"], "steady", "--clients", STEADY))]
    _, why = rig.install_postgres()
    if why:
        print(f"not run: PostgreSQL: {why}")
    else:
        with tempfile.TemporaryDirectory(prefix="reprieve-bench-") as folder:
            os.chmod(folder, 0o755)
            servers = []
            try:
                servers = rig.pair(folder)
                urls = [server.url() for server in servers]
                measured.append(("PostgreSQL, a synchronous standby beside it", "the same on PostgreSQL", stampede(urls, "steady", "--clients", STEADY)))
            finally:
                for server in reversed(servers):
                    server.stop()
    for what, beside, found in measured:
        verdict = "ok" if found["ratio"] <= AT_MOST else "short"
        rows.append([f"a renewal, {what}", f"verify + sign on all cores, and {beside.replace('the same', 'commits of the same rows')}",
                     f"{found['us']:.0f} us", f"{found['limit_us']:.0f} us", f"{found['ratio']:.2f}", f"{AT_MOST:.2f} x", verdict])  # fmt: skip
        rows.append([f"processor's time of it, {what}", "of the limit", f"{found['cpu_us']:.0f} us", f"{found['limit_cpu_us']:.0f} us",
                     f"{found['cpu_us'] / found['limit_cpu_us']:.2f}", "", ""])  # fmt: skip
        rows.append([f"renewals a second, {what}", "the limit", f"{1e6 / found['us']:.0f}", f"{1e6 / found['limit_us']:.0f}", "", "", "limit" if found["ratio"] < 1.1 else ""])
    head = ["work", "beside", "ours", "the other", "ratio", "at most", ""]
    return table(head, rows, f"Load average {before} before, {load()} after; {clients_of(measured)} clients, 256 requests under way.")


def clients_of(measured):
    return f"{measured[0][2]['clients']:,}"


def table(head, rows, note):
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    line = lambda row: "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"  # noqa: E731
    return "\n".join([note, "", line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])


def outage():
    curves, rows, before = [], [], load()
    for jitter in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "curve.csv"
            args = ["--speed", "6", "--most", "3600"] if jitter else ["--speed", "8", "--most", "1200", "--without-jitter"]
            found = stampede(["sqlite:authority.db"], "outage", "--clients", str(CLIENTS), "--csv", str(path), *args)
            print(json.dumps(found))
            curves.append(read(path))
        rows.append(row_of(found, curves[-1]))
    write(curves, rows)
    return page(rows, f"{CLIENTS:,} clients. Load average {before} before, {load()} after.")


def row_of(found, curve):
    whole = found["licensed"] == found["clients"]
    told = f"{found['seconds']:.0f} s" if whole else f"{found['licensed']:,} of {found['clients']:,} after {found['seconds']:.0f} s"
    name = "each with its own jitter" if found["jitter"] else "all drawing the same"
    return [name, until(curve, found["clients"] * 0.9), until(curve, found["clients"] * 0.99), told, f"{found['peak']:,}", f"{found['requests']:,}",
            f"{found['other']:,}", f"{found['server_cpu']:.0f} s", f"{found['speed']} x"]  # fmt: skip


def until(curve, count):
    """The clients' second in which so many leases had been given."""
    total = 0
    for second, (_, lease) in enumerate(curve):
        total += lease
        if total >= count:
            return f"{second} s"
    return "-"


def page(rows, note):
    head = ["clients", "90 % licensed", "99 %", "all", "peak of requests a second", "requests", "without a lease in time", "processor of the server", "clock"]
    return table(head, rows, note)


def read(path):
    with open(path, encoding="utf-8") as text:
        return [(int(row["requests"]), int(row["leases"])) for row in csv.DictReader(text)]


def write(curves, rows):
    PICTURE.write_text(picture(curves, [row[4] for row in rows]), encoding="utf-8")


def picture(curves, peaks):
    """Two panels: requests a second, and how many are licensed. By hand, so that nothing is needed to draw it."""
    width, height, left, top, gap = 760, 190, 84, 44, 64
    seconds = max(60, *(len(curve) for curve in curves))
    span = -(-seconds // 300) * 300
    plot = width - left - 24
    colours = ["#1b6ca8", "#c0392b"]
    names = ["with jitter", "without"]
    across = lambda at: left + at / span * plot  # noqa: E731
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {2 * height + gap + top + 50}" font-family="sans-serif" font-size="12">',
        f'<rect width="100%" height="100%" fill="white"/><text x="{left}" y="22" font-size="15">{CLIENTS:,} clients come back after an outage of an hour</text>',
    ]

    def axes(at, label, most, marks):
        parts.append(f'<text x="{left}" y="{at - 6}" fill="#555">{label}</text>')
        for mark, text in marks:
            y = at + height - mark / most * height
            parts.append(f'<line x1="{left}" x2="{left + plot}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
            parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{text}</text>')
        for second in range(0, span + 1, 300):
            parts.append(f'<text x="{across(second):.1f}" y="{at + height + 16}" text-anchor="middle" fill="#555">{second // 60} min</text>')

    def line(at, most, values, colour):
        points = " ".join(f"{across(second):.1f},{at + height - min(value, most) / most * height:.1f}" for second, value in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')

    import math

    # The peaks are hundreds of times apart: a logarithm shows both.
    power = lambda value: math.log10(value + 1)  # noqa: E731
    most = power(max(request for curve in curves for request, _ in curve))
    axes(top + 20, "requests a second (logarithmic)", most, [(power(10**n - 1 if n else 0), f"{10**n:,}" if n else "0") for n in range(int(most) + 1)])
    for curve, colour in zip(curves, colours):
        line(top + 20, most, [power(request) for request, _ in curve], colour)
    second = top + 20 + height + gap
    axes(second, "clients with a lease", 1.0, [(part / 4, f"{25 * part} %") for part in range(5)])
    for curve, colour in zip(curves, colours):
        total, values = 0, []
        for _, lease in curve:
            total += lease
            values.append(min(1.0, total / CLIENTS))
        line(second, 1.0, values, colour)
    for at, (name, peak, colour) in enumerate(zip(names, peaks, colours)):
        x, y = left + plot - 190, top - 22 + 16 * at
        parts.append(f'<line x1="{x}" x2="{x + 22}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 28}" y="{y + 4}">{name}: peak {peak} a second</text>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def put(mark, text):
    """Replaces what stands between a pair of marks of the page; adds them at its end."""
    begin, end = f"<!-- {mark}: written by make bench-authority -->", f"<!-- end of {mark} -->"
    page_text = PAGE.read_text(encoding="utf-8")
    block = f"{begin}\n\n{text}\n\n{end}"
    if begin in page_text:
        before, _, rest = page_text.partition(begin)
        page_text = before + block + rest.partition(end)[2]
    else:
        page_text = page_text.rstrip() + "\n\n" + block + "\n"
    PAGE.write_text(page_text, encoding="utf-8")


def main():
    parts = sys.argv[1:] or ["steady", "outage"]
    if not PROGRAM.exists() or not rig.program().exists():
        sys.exit(f"{PROGRAM} is not there; build it by: scripts/authority.sh --bins --example stampede")
    for part, work in (("steady", steady), ("outage", outage)):
        if part in parts:
            text = work()
            print(text)
            put(f"authority, {part}", text)


if __name__ == "__main__":
    main()
