"""Whether the lines that a scenario printed meet its `expect`: expected.py SCENARIO.json LINES."""
import json
import sys

scenario = json.load(open(sys.argv[1], encoding="utf-8"))
lines = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
unmet = 0
for number, step in enumerate(scenario["steps"]):
    if "expect" not in step:
        continue
    printed = [line for line in lines if line["step"] == number]
    expect = step["expect"] if isinstance(step["expect"], list) else [step["expect"]]
    same = len(expect) == len(printed) and all(
        key in line and line[key] == value for want, line in zip(expect, printed) for key, value in want.items()
    )
    if not same:
        unmet += 1
        print(f"FAILED: {scenario['name']} step {number}: expected {expect}, got {printed}")
sys.exit(1 if unmet else 0)
