#!/bin/sh
# Builds the wheel, installs it into a virtual environment of its own, and runs everything that proves it. Ends with counts.
#
#   PYTHON         the interpreter (python3)
#   VENV           the virtual environment (build/venv)
#   OTHER_PYTHONS  more interpreters, for the same wheel (those of pyenv that are there)
#   MATURIN_ARGS   more arguments for maturin, such as "--zig --compatibility manylinux2014"
#   PYTEST_ARGS    more arguments for pytest
#   CARGO_TARGET_DIR
#
# What is missing on this machine is said to be `not run`; it is no failure.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python3}
venv=${VENV:-$root/build/venv}
out=$root/build/python
log=$out/log
passed=0 failed=0 skipped=0
mkdir -p "$out"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1

ok() { passed=$((passed + 1)); echo "ok       $1"; }
bad() { failed=$((failed + 1)); echo "FAILED   $1"; [ ! -s "$log" ] || sed 's/^/         /' "$log"; : > "$log"; }
not_run() { skipped=$((skipped + 1)); echo "not run  $1"; }
step() { name=$1; shift; if "$@" > "$log" 2>&1; then ok "$name"; else bad "$name"; return 1; fi; }
end() { echo "python: $passed ok, $failed failed, $skipped not run"; [ "$failed" -eq 0 ]; exit $?; }
# A tool of Python's: from the environment, where pip can get it.
tool() { [ -x "$venv/bin/$1" ] || "$venv/bin/python" -m pip install -q "$1" > "$log" 2>&1; }

[ -x "$venv/bin/python" ] || step "virtual environment" "$python" -m venv "$venv" || end
py=$venv/bin/python
cd "$root/python" || end

if cargo clippy --version > /dev/null 2>&1; then
    step "clippy, warnings are errors" cargo clippy -q -p reprieve-python --no-deps -- -D warnings
else
    not_run "clippy"
fi

tool maturin || { not_run "maturin (it cannot be installed): nothing was built"; end; }
rm -f "$out"/*.whl
# shellcheck disable=SC2086
step "wheel" "$venv/bin/maturin" build --release -i "$py" -o "$out" ${MATURIN_ARGS:-} -- -D warnings || end
wheel=$(ls "$out"/*.whl)
case $wheel in
    *-cp38-abi3-*) ok "abi3 tag: $(basename "$wheel")" ;;
    *) bad "abi3 tag: $(basename "$wheel")" ;;
esac
step "install" "$py" -m pip install -q --force-reinstall --no-deps "$wheel" || end
cd "$out" || end
so=$("$py" -c 'import reprieve._reprieve as m; print(m.__file__)')

if command -v nm > /dev/null 2>&1; then
    exported=$(nm -D --defined-only "$so" | awk '{print $3}')
    if [ "$exported" = PyInit__reprieve ]; then ok "exports PyInit__reprieve alone"; else echo "$exported" > "$log"; bad "exports"; fi
else
    not_run "nm"
fi

if tool abi3audit; then step "abi3audit" "$venv/bin/abi3audit" --strict "$wheel"; else not_run "abi3audit"; fi

if tool mypy; then
    step "mypy --strict, the package" "$py" -m mypy --strict --config-file "$root/python/pyproject.toml" -p reprieve
    if "$py" "$root/tests/python/examples.py" "$out/examples" "$root/docs/python.md" "$root/README.md" > "$log"; then
        step "mypy --strict, $(cat "$log") of the pages" "$py" -m mypy --strict --ignore-missing-imports --cache-dir "$out/mypy" "$out"/examples/*.py
    else
        bad "the examples of the pages"
    fi
    step "stubtest" "$py" -m mypy.stubtest reprieve --allowlist "$root/tests/python/stubtest-allow.txt"
else
    not_run "mypy, stubtest"
fi

pytest_in() {
    # shellcheck disable=SC2086
    if (cd "$root/tests/python" && "$1" -X dev -m pytest -q ${PYTEST_ARGS:-} .) > "$log" 2>&1; then
        ok "pytest on $("$1" -V 2>&1): $(tail -1 "$log")"
    else
        bad "pytest on $("$1" -V 2>&1): $(tail -1 "$log")"
    fi
}

if tool pytest; then
    pytest_in "$py"
    if tool mypy; then
        MYPYPATH=$root/tests/python step "mypy --strict, the tests" "$py" -m mypy --strict --no-warn-unused-ignores \
            --cache-dir "$out/mypy" "$root"/tests/python/conftest.py "$root"/tests/python/conformance.py "$root"/tests/python/test_*.py
    fi
else
    not_run "pytest"
fi

scenarios=0
for file in "$root"/tests/scenarios/*.json; do
    "$py" "$root/tests/python/conformance.py" "$file" > "$out/lines" 2> "$log" && scenarios=$((scenarios + 1)) || bad "conformance $file"
done
ok "conformance.py: $scenarios scenarios met"

for other in ${OTHER_PYTHONS-$(ls -d "$HOME"/.pyenv/versions/3.*/bin/python 2> /dev/null)}; do
    version=$("$other" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null) || continue
    [ "$("$other" -c 'import sys; print(int(sys.version_info >= (3, 8)))')" = 1 ] || continue
    [ "$version" != "$("$py" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" ] || continue
    there=$out/venv-$version
    if { [ -x "$there/bin/python" ] || "$other" -m venv "$there"; } > "$log" 2>&1 &&
        "$there/bin/python" -m pip install -q pytest > "$log" 2>&1; then
        step "install on $version" "$there/bin/python" -m pip install -q --force-reinstall --no-deps "$wheel" &&
            pytest_in "$there/bin/python"
    else
        not_run "Python $version: no pytest for it"
    fi
done
end
