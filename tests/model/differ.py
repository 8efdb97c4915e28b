"""Runs random scenarios through the model and through `reprieve drill FILE... --json`, and compares every line byte for byte.

    python3 tests/model/differ.py --count 300 --reprieve target/release/reprieve

A scenario that differs is shrunk and printed with both outputs. With files, it compares those instead of random ones.
"""

import argparse
import copy
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import generate  # noqa: E402
import model  # noqa: E402

BATCH = 50


def modelled(scenario):
    try:
        return [model.text(line) for out in model.run(scenario) for line in out]
    except Exception as error:  # a model that stumbles is a difference, too
        return [f"MODEL {type(error).__name__}: {error}"]


def drilled(reprieve, scenarios):
    """The lines of each; each scenario's first step is a check, so that "step":0 tells where one begins."""
    with tempfile.TemporaryDirectory(prefix="reprieve-differ-") as folder:
        paths = []
        for number, scenario in enumerate(scenarios):
            paths.append(os.path.join(folder, f"{number:04}.json"))
            with open(paths[-1], "w", encoding="utf-8") as file:
                json.dump(scenario, file)
        done = subprocess.run([reprieve, "drill", *paths, "--json"], capture_output=True, text=True)
    parts = []
    for line in done.stdout.splitlines():
        if line.startswith('{"step":0,') or not parts:
            parts.append([])
        parts[-1].append(line)
    if len(parts) == len(scenarios) and done.returncode == 0:
        return parts
    if len(scenarios) == 1:
        return [done.stdout.splitlines() + [f"EXIT {done.returncode}: {done.stderr.strip()}"]]
    return [drilled(reprieve, [scenario])[0] for scenario in scenarios]


def compare(job):
    reprieve, scenarios = job
    return [
        (scenario, ours, theirs)
        for scenario, ours, theirs in zip(scenarios, map(modelled, scenarios), drilled(reprieve, scenarios))
        if ours != theirs
    ]


def without(scenario, at):
    """The scenario without a step, and without what refers to it."""
    small = {**scenario, "steps": []}
    place = {}
    for number, step in enumerate(scenario["steps"]):
        if number == at or ("replay" in step and step["replay"] not in place):
            continue
        place[number] = len(small["steps"])
        small["steps"].append({**step, "replay": place[step["replay"]]} if "replay" in step else step)
    saved, asked = set(), set()
    for step in small["steps"]:
        saved.add(step.get("save"))
        asked.add(step.get("request"))
        if step.get("restore") not in saved | {None} or step.get("lease", {}).get("answers") not in asked | {None}:
            return None
    return small


def simpler(scenario):
    """Scenarios that are a little simpler."""
    steps = scenario["steps"]
    for at in range(len(steps) - 1, 0, -1):
        small = without(scenario, at)
        if small:
            yield small
    if "policy" in scenario:
        yield {key: value for key, value in scenario.items() if key != "policy"}

    def pruned(value, path):
        if isinstance(value, dict):
            for key in value:
                yield path + (key,)
                yield from pruned(value[key], path + (key,))
        elif isinstance(value, list):
            for at in range(len(value)):
                yield path + (at,)
                yield from pruned(value[at], path + (at,))

    bodies = [("policy",)] if "policy" in scenario else []
    bodies += [("steps", at, key) for at, step in enumerate(steps) for key in step if isinstance(step[key], dict)]
    for body in bodies:
        value = scenario
        for key in body:
            value = value[key]
        for path in pruned(value, body):
            if path[-1] in ("schema", "id", "version", "license", "start", "end", "until", "allowance", "access", "after", "limit", "window"):
                continue
            small = copy.deepcopy(scenario)
            inner = small
            for key in path[:-1]:
                inner = inner[key]
            del inner[path[-1]]
            if path[-1] != "horizon":
                yield small
    for at, step in enumerate(steps):
        if "sku" in step and "check" in step:
            yield {**scenario, "steps": steps[:at] + [{"check": step["check"]}] + steps[at + 1:]}


def broken(lines):
    return any(line.startswith(("EXIT", "MODEL", "ERROR")) for line in lines)


def shrink(reprieve, scenario):
    was_broken = broken(modelled(scenario)) or broken(drilled(reprieve, [scenario])[0])
    progress = True
    while progress:
        progress = False
        for small in simpler(scenario):
            ours, theirs = modelled(small), drilled(reprieve, [small])[0]
            if ours != theirs and (was_broken or not (broken(ours) or broken(theirs))):
                scenario, progress = small, True
                break
    return scenario


def show(reprieve, scenario):
    ours, theirs = modelled(scenario), drilled(reprieve, [scenario])[0]
    print(f"--- {scenario.get('name')}")
    print(json.dumps({key: value for key, value in scenario.items() if key != "steps"}))
    for number, step in enumerate(scenario["steps"]):
        print(f"  {number}: {json.dumps(step)}")
    for at in range(max(len(ours), len(theirs))):
        mine = ours[at] if at < len(ours) else "(nothing)"
        other = theirs[at] if at < len(theirs) else "(nothing)"
        if mine == other:
            print(f"  both      {mine}")
        else:
            print(f"  model     {mine}\n  reprieve  {other}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description="Compares the model with an implementation.")
    parser.add_argument("files", nargs="*", help="scenarios; without any, random ones")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reprieve", default="target/release/reprieve")
    parser.add_argument("--show", type=int, default=3, help="how many differences to shrink and print")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    if arguments.files:
        scenarios = []
        for path in arguments.files:
            with open(path, encoding="utf-8") as file:
                scenarios.append(json.load(file))
    else:
        scenarios = [generate.generate(seed) for seed in range(arguments.seed, arguments.seed + arguments.count)]
    size = 1 if arguments.files else BATCH
    jobs = [(arguments.reprieve, scenarios[at:at + size]) for at in range(0, len(scenarios), size)]
    with multiprocessing.Pool(arguments.jobs) as pool:
        found = [difference for part in pool.imap(compare, jobs) for difference in part]
    print(f"{len(scenarios)} scenarios, {len(found)} differ: {' '.join(str(f[0].get('name')) for f in found[:20])}")
    for scenario, _, _ in found[:arguments.show]:
        show(arguments.reprieve, shrink(arguments.reprieve, scenario))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
