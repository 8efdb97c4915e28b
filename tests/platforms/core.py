"""The core's own tests, unit and integration, and the C layer's unit tests, on another platform."""

import os
import re
import time

from kit import cargo, failed, not_run, passed, run
from targets import ROOT

# What cannot run there, by the test's program and name: why. Whoever is named and is not there is a failure, so that no name outlives its test.
NOT_RUN = {"linux-aarch64": {}, "linux-x86_64-musl": {}, "linux-i686": {}}


# What takes a build without optimisation many minutes and has little of a platform in it: disks and damage are simulated.
SLOW = [] if os.environ.get("REPRIEVE_SOAK") else ["crash", "damage"]
# Those that start themselves again, which an emulator of one program cannot do.
STARTERS = {
    "attack_many": ["a2_what_falls_due_in_a_crowd_is_recorded_once", "l1_killed_at_any_moment"],
    "client": ["l1_what_was_acknowledged_survives_a_kill", "processes_on_one_ledger"],
    "client_network": [
        "a_home_on_a_network_is_stepped_aside_from",
        "what_others_prepared_is_not_gone_into",
        "a_named_place_on_a_network_is_refused_by_name",
        "a_local_folder_is_as_it_was",
    ],
    "ledger_faults": [
        "processes::a_fork_that_drops_the_lock_it_inherited_does_not_release_it",
        "processes::a_lock_that_another_process_holds_is_busy_until_it_dies",
    ],
}


def tests(target):
    began = time.monotonic()
    made = []
    # The C layer's unit tests know how many bits a handle has.
    for words in (["-p", "reprieve", "--features", "http"], ["-p", "reprieve-c", "--lib"]):
        code, messages, error = cargo(target, "test", "--no-run", *words)
        found = [(message["target"]["name"], message["executable"]) for message in messages if message.get("executable") and message["profile"]["test"]]
        if code != 0 or not found:
            return failed(f"{target.name}: the tests of {words[1]}, compiled and linked", error)
        made += [(f"{words[1]}, {name}" if name.startswith("reprieve") else name, program) for name, program in found]
    passed(f"{target.name}: the core's tests, compiled and linked: {len(made)} programs", began=began)
    for name, program in made:
        if name in SLOW:
            not_run(f"{target.name}: {name}", "it takes many minutes, and its disks are simulated; REPRIEVE_SOAK=1 runs it")
        else:
            one(target, name, program)
    return None


def one(target, name, program):
    title = f"{target.name}: {name}"
    without = {test: why for where, tests in NOT_RUN.get(target.name, {}).items() if where == name for test, why in tests.items()}
    if not target.registered:
        why = "it starts itself again, and qemu could not be registered for that: that needs user namespaces and Linux 6.7"
        without |= dict.fromkeys(STARTERS.get(name, []), why)
    _, listed, _ = run([*target.runner(), program, "--list"], cwd=ROOT)
    known = set(re.findall(r"^(.*): test$", listed.decode(), re.MULTILINE))
    for test, why in without.items():
        if test in known:
            not_run(f"{title}: {test}", why)
        else:
            failed(f"{title}: {test}", "it is named in core.py and is not there")
    began = time.monotonic()
    skips = [word for test in without for word in ("--skip", test)]
    env = {key: value for key, value in os.environ.items() if not key.startswith(("REPRIEVE", "LD_"))}
    # Some mint tokens by Python's libraries.
    env["PATH"] = os.path.join(ROOT, "build", "venv", "bin") + os.pathsep + env["PATH"]
    code, out, error = run([*target.runner(), program, "--exact", "--show-output", *skips], cwd=ROOT, env=env)
    text = out.decode(errors="replace")
    found = re.search(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", text, re.MULTILINE)
    if code is None:
        # Which ones hang, or are too slow for an emulator, is to be known by name: the second kind is for NOT_RUN.
        ended = dict(re.findall(r"^test (\S+)(?: - should panic)? \.\.\. (\w+)", text, re.MULTILINE))
        passed(f"{title}: {len(ended)} tests, before it was ended", sum(result == "ok" for result in ended.values()), began)
        late = sorted(known - set(without) - {test for test, result in ended.items() if result in ("ok", "ignored")})
        return failed(title, f"{error.decode(errors='replace')[-300:].strip()}; these failed or did not end: {', '.join(late)}", len(late))
    if found is None:
        return failed(title, f"it ended with {code}\n{text[-3000:]}{error.decode(errors='replace')[-1000:]}")
    went, wrong, ignored = map(int, found.groups())
    # A test that lacks its tool or right prints `not run`, and passes.
    lacking = re.findall(r"^not run:? *(.*)$", text, re.MULTILINE)
    for why in lacking:
        not_run(f"{title}: one test", why)
    passed(f"{title}: {went - len(lacking)} tests", went - len(lacking), began)
    if wrong or (code != 0):
        failed(title, text[-4000:], max(wrong, 1))
    if ignored:
        not_run(title, "ignored", ignored)
    return None
