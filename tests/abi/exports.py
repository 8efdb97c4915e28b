"""Every export with what it must not be given, from the header: one wrong argument at a time, all others good, and all of them nothing.

Writes a C program and runs it. A parameter of a kind that is not known here stops it, so that no new export goes untested. What must
hold: the status that the header promises for this mistake; out-parameters at their safe values after every failure; an error object if
and only if a call failed; nothing written behind a structure; no handle left.
"""

import re

from kit import HERE, INCLUDE, WARNINGS, header_text, link, note, run, skip, tool

NULL_POINTER, INVALID, ARGUMENT = "REPRIEVE_STATUS_NULL_POINTER", "REPRIEVE_STATUS_INVALID_HANDLE", "REPRIEVE_STATUS_ARGUMENT"
STRUCT_SIZE, RANGE = "REPRIEVE_STATUS_STRUCT_SIZE", "REPRIEVE_STATUS_OUT_OF_RANGE"
# A text that is good, by the name of its parameter; (export, parameter) goes first.
TEXTS = {
    "sku": '"cad"', "feature": '"core"', "consumer": '"tray"', "license": '"L1"', "text": '"Help."', "toml": "APP",
    "token": '"x.y.z"', "answer": '"{\\"documents\\":[]}"', "claims": '"{}"', "fault": '"malformed"', "scenario": "SCENARIO",
    "folder": "folder", "policy": '"{}"', "path": '"/nowhere/at/all"', "body": '"x"', "roots": '""', "proxy": '"none"', "headers": '"Retry-After: 1"',
}  # fmt: skip
# Numbers: a good one, and wrong ones with what they come to; None: any number is one.
NUMBERS = {
    ("reprieve_client_report", "outage"): ("REPRIEVE_OUTAGE_NETWORK", ARGUMENT, [0, 3, 255, 256, 0x7FFFFFFF, 0xFFFFFFFF]),
    ("reprieve_builder_set_upkeep", "upkeep"): ("REPRIEVE_UPKEEP_OWN", ARGUMENT, [2, 256, 0xFFFFFFFF]),
    ("reprieve_builder_set_create", "create"): (1, ARGUMENT, [2, 256, 0xFFFFFFFF]),
    ("reprieve_builder_set_lock_timeout", "milliseconds"): (10, None, [0, 0xFFFFFFFF]),
    ("reprieve_drill_issue", "kind"): ("REPRIEVE_DOCUMENT_LEASE", ARGUMENT, [0, 8, 255, 256, 0xFFFFFFFF]),
    ("reprieve_drill_issue", "signers"): (1, None, [0, 2, 0xFFFFFFFF]),
    ("reprieve_client_acknowledge", "record"): (0, None, ["UINT64_MAX"]),
    ("reprieve_client_acknowledge", "index"): (0, None, [0xFFFFFFFF]),
    ("reprieve_drill_advance", "seconds"): (1, None, [0, -1, "INT64_MIN", "INT64_MAX"]),
    ("reprieve_drill_set_wall", "seconds"): (0, None, [-1, "INT64_MIN", "INT64_MAX"]),
    ("reprieve_drill_step", "step"): (1, ARGUMENT, [2, "SIZE_MAX"]),
    ("reprieve_renewer_answered", "attempt"): (0, None, [1, "UINT64_MAX"]),
    ("reprieve_renewer_answered", "status"): (200, ARGUMENT, [0, 99, 1000, 65736, 0xFFFFFFFF]),
    ("reprieve_renewer_failed", "attempt"): (0, None, [1, "UINT64_MAX"]),
    ("reprieve_renewer_failed", "failure"): ("REPRIEVE_FAILURE_NO_DNS", ARGUMENT, [0, 11, 255, 257, 0xFFFFFFFF]),
    ("reprieve_time_format", "capacity"): ("sizeof buffer", "REPRIEVE_STATUS_BUFFER_TOO_SMALL", [0, 1, 20]),
}
# Words: any number has one.
WORD = re.compile(r"reprieve_(status|access|state|reason|clock|ledger|document|refusal|outage|event_kind|failure|outcome)_str")
# Exports whose status is about something else than the call.
ODD = {"reprieve_error_status"}


class Parameter:
    def __init__(self, text):
        self.type, self.name = re.fullmatch(r"(.*?)(\w+)", text).groups()
        self.type = re.sub(r"\bstruct ", "", self.type).replace(" ", "")
        self.type = self.type.replace("const", "const ")


def functions():
    """The header's exports: name, what it returns, parameters, and what its comment says."""
    comments = {name: " ".join(said.replace("//", " ").split()) for said, name in re.findall(
        r"((?:^//[^\n]*\n)+)REPRIEVE_API\s[^;]*?\b(reprieve_\w+)\(", (INCLUDE / "reprieve.h").read_text(), re.MULTILINE)}  # fmt: skip
    for back, name, inside in re.findall(r"\bREPRIEVE_API\s([^;(]*?)\b(reprieve_\w+)\(([^;]*)\);", header_text()):
        parameters = [Parameter(" ".join(part.split())) for part in inside.split(",") if part.strip() != "void"]
        yield name, " ".join(back.split()), parameters, comments.get(name, "")


def optional(name, said):
    """Whether the header says that NULL may stand for an out-parameter."""
    return re.search(rf"`{name}` \((?:in and )?out, or NULL\)", said) is not None


def choices(function, parameters, said, handles, structs):
    """For each parameter: (good value, [(wrong value, expected status or None for any)], lines before, lines after a failure, after all)."""
    table = []
    previous = None
    for parameter in parameters:
        kind, name = parameter.type, parameter.name
        if kind.endswith("**") and kind[:-2] in handles and name == "error":
            table.append(("&error", [("NULL", "REPRIEVE_OK")], [], [], []))
        elif kind.endswith("**") and kind[:-2] in handles:
            bare = kind[:-2]
            table.append((
                f"&{name}", [("NULL", "REPRIEVE_OK" if optional(name, said) else NULL_POINTER)],
                [f"{bare} *{name} = ({bare} *)(uintptr_t)0x10;"],
                [f'holds({name} == NULL, "`{name}` is not NULL");'],
                [f"{bare}_free({name});"],
            ))  # fmt: skip
        elif kind.rstrip("*").removeprefix("const ") in handles and kind.count("*") == 1:
            bare = kind.rstrip("*").removeprefix("const ")
            short = bare.removeprefix("reprieve_")
            other = "good_builder" if short == "client" else "good_client"
            odd = ["(uintptr_t)1", "(uintptr_t)24", "UINTPTR_MAX", "(UINTPTR_MAX - 15)", f"(void *){other}", "freed"]
            wrong = [("NULL", NULL_POINTER)] + [(f"({bare} *){value}", INVALID) for value in odd]
            table.append((f"good_{short}", wrong, [], [], []))
        elif kind.rstrip("*").removeprefix("const ") in structs:
            bare = kind.rstrip("*").removeprefix("const ")
            if kind.startswith("const ") and structs[bare]:
                want = "REPRIEVE_OK" if re.search(rf"`{name}`: [^.`]*\bor NULL\b", said) else NULL_POINTER
                wrong = [("NULL", want)] + [(f"({name}.struct_size = {size}, &{name})", STRUCT_SIZE) for size in (0, 4, 20)]
                table.append((f"&{name}", wrong, [f"{bare} {name} = {{0}};", f"{name}.struct_size = sizeof {name};"], [], []))
            elif kind.startswith("const "):
                table.append((f"&{name}", [("NULL", NULL_POINTER)], [f"{bare} {name} = {{0, 0, 1}};"], [], []))
            elif structs[bare]:
                want = None if optional(name, said) else NULL_POINTER
                guard = f"struct {{ {bare} is; unsigned char behind[32]; }} {name};"
                before = [guard, f"memset(&{name}, 0xa5, sizeof {name});", f"{name}.is.struct_size = sizeof({bare});"]
                # A size that no release had is told, and no more than it is written.
                wrong = [("NULL", want)] + [(f"({name}.is.struct_size = {size}, &{name}.is)", STRUCT_SIZE) for size in ("0", "4", "20")]
                wrong.append((f"({name}.is.struct_size = sizeof({bare}) + 8, &{name}.is)", "REPRIEVE_OK"))
                behind = f'holds(all_bytes(&{name}, written({name}.is.struct_size, sizeof({bare})), sizeof {name}, 0xa5), "written behind `{name}`");'
                # Access unknown, not accepted, no kind: the field behind the size is 0.
                unknown = f'holds({name}.is.struct_size < 8 || all_bytes(&{name}, 4, 8, 0), "`{name}` is not safe");'
                table.append((f"&{name}.is", wrong, before, [unknown], [behind]))
            else:
                safe = f'holds(all_bytes(&{name}, 0, sizeof {name}, 0), "`{name}` is not safe");'
                table.append((f"&{name}", [("NULL", NULL_POINTER)], [f"{bare} {name};", f"memset(&{name}, 0xa5, sizeof {name});"], [safe], []))
        elif kind in ("uint32_t*", "size_t*", "const char**"):
            want = None if optional(name, said) else NULL_POINTER
            bare = kind[:-1].replace("*", " *")
            odd = "(const char *)(uintptr_t)0x10" if "char" in kind else "7"
            safe = "NULL" if "char" in kind else "0"
            table.append((f"&{name}", [("NULL", want)], [f"{bare} {name} = {odd};"],
                          [f'holds({name} == {safe}, "`{name}` is not safe");'], []))  # fmt: skip
        elif kind == "char*" and name == "buffer":
            table.append(("buffer", [("NULL", "REPRIEVE_OK")], ["char buffer[64];"], [], []))
        elif kind in ("const char*", "const uint8_t*"):
            text = TEXTS.get((function, name)) or TEXTS.get(name)
            if text is None:
                raise LookupError(f"{function}: TEXTS has no good text for `{name}`")
            cast = "(const uint8_t *)" if "uint8" in kind else ""
            # Pairs: pointer and length together.
            wrong = [(("NULL", "5"), ARGUMENT), ((cast + '"x"', "SIZE_MAX"), ARGUMENT), ((cast + '"x"', "(size_t)PTRDIFF_MAX + 1"), ARGUMENT)]
            wrong += [(("NULL", "0"), None), ((cast + '""', "0"), None)]
            if not cast:
                wrong += [(("BAD_UTF8", "2"), ARGUMENT), (("WITH_NUL", "3"), ARGUMENT)]
            table.append((cast + text, wrong, [], [], []))
        elif kind == "size_t" and previous is not None and name == previous.name + "_len":
            text = TEXTS.get((function, previous.name)) or TEXTS.get(previous.name)
            table.append((f"strlen({text})", [], [], [], []))
        elif kind == "size_t" and name == "index":
            table.append((0, [("SIZE_MAX", RANGE), (1000, RANGE)], [], [], []))
        elif kind == "uint32_t" and WORD.fullmatch(function):
            table.append((1, [(0xFFFFFFFF, None), (12345, None)], [], [], []))
        elif (function, name) in NUMBERS:
            good, want, wrong = NUMBERS[function, name]
            table.append((good, [(value, want) for value in wrong], [], [], []))
        else:
            raise LookupError(f"{function}: no test knows what `{kind} {name}` must not be")
        previous = parameter
    return table


def call(function, back, arguments, want, before, failed, after, label):
    """One call, in C."""
    lines = ["    {", f'        now_in = "{label}";', *(f"        {line}" for line in before)]
    spoken = ", ".join(str(argument) for argument in arguments)
    if back == "reprieve_status" and function not in ODD:
        lines += ["        reprieve_error *error = (reprieve_error *)(uintptr_t)0x10;", "        reprieve_status came;", "        (void)error;"]
        lines += [f"        came = {function}({spoken});", f"        if (came_to({want or 'ANY'}, came)) {{"]
        lines += [f"            {line}" for line in failed] + ["        }"]
        if "&error" in arguments:
            lines.append("        told(came, error);")
    elif back.endswith("*"):
        lines.append(f'        holds(strlen({function}({spoken})) > 0, "there is no text");')
    else:
        lines.append(f"        {'' if back == 'void' else '(void)'}{function}({spoken});")
    return "\n".join([*lines, *(f"        {line}" for line in after), "    }"])


def program():
    """The C program, and how many exports it calls."""
    text = header_text()
    handles = set(re.findall(r"typedef struct (reprieve_\w+) \1;", text))
    structs = {name: body.split(";")[0].strip() == "uint32_t struct_size" for name, body in re.findall(r"typedef struct (reprieve_\w+) \{([^}]*)\}", text)}
    out, names = ['#include "exports.h"\n'], []
    for function, back, parameters, said in functions():
        table = choices(function, parameters, said, handles, structs)
        before = [line for entry in table for line in entry[2]]
        good = [entry[0] for entry in table]
        frees = function.endswith("_free") and len(parameters) == 1
        calls = [] if frees else [(good, None, "good")]
        for at, entry in enumerate(table):
            for value, want in entry[1]:
                arguments = list(good)
                if isinstance(value, tuple):
                    arguments[at : at + 2] = value
                else:
                    arguments[at] = value
                # What may be left out or is larger than need be is no mistake: the call then comes to what the good one does.
                calls.append((arguments, None if want == "REPRIEVE_OK" else want, f"{parameters[at].name} = {value}"))
        # Nothing at all: NULL and 0. A handle comes first, so that there is a mistake.
        first = parameters[0].type.rstrip("*").removeprefix("const ") if parameters else ""
        nothing = ["NULL" if "*" in parameter.type else 0 for parameter in parameters]
        calls.append((nothing, "FAILS" if first in handles else None, "nothing"))
        body = []
        for arguments, want, label in calls:
            label = f"{function}, {label}".replace("\\", "").replace('"', "'")
            # What an out-parameter holds is looked at where it was passed.
            there = [entry for entry, argument in zip(table, arguments) if entry[2] and argument != "NULL" and argument != 0]
            failed, after = ([line for entry in there for line in entry[part]] for part in (3, 4))
            body.append(call(function, back, arguments, want, before, failed, after, label))
        out.append(f"static void test_{function}(void) {{\n    setup();\n" + "\n".join(body) + "\n    teardown();\n}\n")
        names.append(function)
    main = "\n".join(f"    test_{name}();" for name in names)
    out.append(f'int main(int argc, char **argv) {{\n    snprintf(folder, sizeof folder, "%s", argc > 1 ? argv[1] : "/nowhere/at/all");\n{main}\n    return done("exports");\n}}\n')
    return "\n".join(out), len(names)


def test_exports(work):
    compiler = tool("gcc", "cc", "clang")
    if not compiler:
        return skip("every export with wrong arguments", "a compiler is missing")
    try:
        text, count = program()
    except LookupError as error:
        return note("every export with wrong arguments", str(error))
    source = work / "exports.c"
    source.write_text(text)
    flags = ["-std=c11", *WARNINGS, "-Wno-unused-variable"]
    name = f"{count} exports with wrong arguments"
    problem = link(compiler, [source], work / "exports", *flags)
    note(name, problem or run([work / "exports", work / "exports-drill"], timeout=300)[0])
    if problem:
        return None
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1"]
    if link(compiler, [HERE / "layout.c"], work / "layout-san", *sanitize):
        return skip(f"{name}, with ASan and UBSan", "the compiler has none")
    problem = link(compiler, [source], work / "exports-san", *flags, *sanitize)
    return note(f"{name}, with ASan and UBSan", problem or run([work / "exports-san", work / "exports-san-drill"], timeout=300)[0])
