"""What Outpost must show, by the command line's own answers: a second way to samples/outpost/expected.txt, which shares no code with a game.

    oracle.py [REPRIEVE]    prints the record
"""

import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUTPOST = os.path.join(ROOT, "samples", "outpost")


def left(line):
    seconds = int((datetime.fromisoformat(line["ends"][:19]) - datetime.fromisoformat(line["t"][:19])).total_seconds())
    parts, units = [], (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    for unit, length in units:
        parts.append(f"{seconds // length} {unit}")
        seconds %= length
    while len(parts) > 1 and parts[0].startswith("0 "):
        parts.pop(0)
    # Minutes stand alone, and so do seconds.
    return parts[0] if parts[0].endswith(("min", "s")) else " ".join(parts[:2])


def said(words, line, prefix):
    state, reason, access = line["state"], line["reason"], line["access"]
    names = ["unknown"] if access == "unknown" else [f"{state}.{reason}.{access}", f"{state}.{reason}", f"{state}.{access}", state]
    text = [words[prefix + name] for name in names if prefix + name in words][0]
    return text.replace("{left}", left(line)) if "{left}" in text else text


def record(reprieve):
    with open(os.path.join(OUTPOST, "outpost.json"), encoding="utf-8") as file:
        scenario = json.load(file)
    with open(os.path.join(OUTPOST, "words.txt"), encoding="utf-8") as file:
        words = dict(line.rstrip("\n").split(" = ") for line in file)
    asks, steps = [{"check": name} for name in ("game", "lanterns", "weather")], []
    for step in scenario["steps"]:
        steps += (asks if "advance" in step else []) + [step]
    scenario["steps"] = steps + asks
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump(scenario, file)
    try:
        out = subprocess.run([reprieve, "drill", "--json", file.name], stdout=subprocess.PIPE, check=True).stdout.decode()
    finally:
        os.unlink(file.name)
    answers = [line for line in map(json.loads, out.splitlines()) if "access" in line and "sku" in line]
    written, last, began = [], None, datetime.fromisoformat(answers[0]["t"][:19])
    for game, lanterns, weather in zip(answers[::3], answers[1::3], answers[2::3]):
        now = (said(words, game, ""), f"lanterns: {said(words, lanterns, 'feature.')}   weather: {said(words, weather, 'feature.')}")
        if now != last:
            gone = datetime.fromisoformat(game["t"][:19]) - began
            written.append(f"day {gone.days} {gone.seconds // 3600:02}:{gone.seconds // 60 % 60:02}\t{now[0]}\t{now[1]}\n")
            last = now
    return "".join(written)


if __name__ == "__main__":
    sys.stdout.write(record(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "target", "release", "reprieve")))
