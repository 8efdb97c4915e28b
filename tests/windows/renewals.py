#!/usr/bin/env python3
"""The library with HTTP for Windows, run in Wine, against servers on Linux: real sockets, real TLS. Started by tests/windows/run.py.

`table` is the table of tests/renewing by tests/renewing/probe.c: with the test's root handed over, and with the verifier of Windows. Each row must
give what it gives on Linux. Names and addresses are of an /etc/hosts of its own, in a mount namespace. `program` is the command line, which
renews from the authority of this machine, by the proxies that Windows's settings name and past them.
Ends with `http: N passed, M failed, K not run`.
"""

import concurrent.futures
import contextlib
import http.server
import importlib.util
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "renewing")]

import run as windows
from kit import ROOT, failed, note, passed, run, skip, skipped

RENEWING = ROOT / "tests" / "renewing"
LIB = windows.HTTP
# For each attempt. Wine is slow to start, and slower where others work.
MILLISECONDS = "6000"
# What Wine's verifier cannot, as that of Windows can: the address of a row that it refuses might be in the certificate or not.
ADDRESSES = "Wine looks for names alone in a certificate, and not for addresses"
VERIFIER_NOT = {"a literal IPv6 address": ADDRESSES, "a literal IPv4 address": ADDRESSES, "an address not in the certificate": ADDRESSES}
SETTINGS = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings"


def module(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def without_proxies():
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


# The table.


def row_of(faulty, folder, program, roots, row):
    app = faulty.app(folder, row[1])
    command = ["wine", program, "builtin", windows.windows_path(app), windows.windows_path(roots) if roots else "-", MILLISECONDS]
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=180, env=without_proxies(), check=False)
    except subprocess.TimeoutExpired:
        return "took longer than 180 s"
    said = done.stdout.strip()
    return said if not done.returncode else f"ended with {done.returncode}: {said[-300:]} {done.stderr[-1500:]}"


def rows_by(renewing, faulty, pool, what, folder, program, roots, rows):
    """Runs rows, and prints them beside each other."""
    def done(at, row):
        return renewing.looked_in_time(lambda place: row_of(faulty, place, program, roots, row), folder / str(at))

    jobs = [(row, pool.submit(done, at, row)) for at, row in enumerate(rows)]
    for row, job in jobs:
        name, _, word, reported, when = row
        expected, said = f"{word}|{reported}|{when}|{'full' if word == 'renewed' else 'denied'}", job.result()
        print(f"{what:24} {name:36} {word:22} {reported:8} {'=' if said == expected else said}", flush=True)
        note(f"{name}, {what}, in Wine", None if said == expected else f"expected {expected}, got {said}")


def revocable(server):
    """Certificates that say where it is told which of them are revoked, as those of public authorities do. Windows passes over a list that cannot
    be had; Wine takes none for one that cannot be had, and believes nobody then."""

    class Revocable(server.Certificates):
        def __init__(self, folder):
            self.revoked, certificates = [], self

            class Lists(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    body = certificates.revocations()
                    self.send_response(200)
                    self.send_header("Content-Type", "application/pkix-crl")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, *_):
                    pass

            lists = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lists)
            threading.Thread(target=lists.serve_forever, daemon=True).start()
            self.url = f"http://127.0.0.1:{lists.server_port}/"
            super().__init__(folder)

        def builder(self, subject, key, from_days, to_days):
            made = super().builder(subject, key, from_days, to_days)
            if subject == self.name:
                return made
            # Each by a name of its own, or a list that was had before is taken for the new one.
            where = [server.x509.UniformResourceIdentifier(f"{self.url}{server.x509.random_serial_number()}.crl")]
            return made.add_extension(server.x509.CRLDistributionPoints([server.x509.DistributionPoint(where, None, None, None)]), critical=False)

        def revocations(self):
            now = server.datetime.datetime.now(server.datetime.timezone.utc)
            day = server.datetime.timedelta(days=1)
            made = server.x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(now - day).next_update(now + day)
            for serial in self.revoked:
                one = server.x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - day).build()
                made = made.add_revoked_certificate(one)
            return made.sign(self.key, server.hashes.SHA256()).public_bytes(server.serialization.Encoding.DER)

        def revoke(self, which):
            file = self.folder / f"{which}.pem"
            self.revoked.append(server.x509.load_pem_x509_certificate(file.read_bytes()).serial_number)

    return Revocable


def untrusted(row):
    """What a row is where nobody trusts the test's root: whoever answers by TLS is not shown to be the authority."""
    name, url, _, _, _ = row
    return (f"{name}, of a root that is not trusted", url, "certificate", "network", "soon")


def test_table(work, renewing):
    import server

    why_not = renewing.no_addresses()
    if why_not:
        skip("names and addresses", why_not)
    program = work / "probe.exe"
    problem = windows.link(windows.GCC, [RENEWING / "probe.c"], program, *windows.C, "-D_POSIX_C_SOURCE=200809L", library=LIB)
    note("the program with the library's own HTTP compiles for Windows", problem)
    trust = work / "trust.exe"
    problem = problem or run([windows.GCC, "-std=c11", *windows.WARNINGS, HERE / "trust.c", "-o", trust, "-static", "-lcrypt32"])[0]
    if problem:
        return note("what sets Windows's trusted roots compiles", problem)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        server.Certificates = revocable(server)
        faulty = server.Faulty(work / "faulty", addresses=not why_not)
        revoked = faulty.serve(faulty.certificates.context("revoked"), faulty.leases())
        faulty.certificates.revoke("revoked")
        rows_by(renewing, faulty, pool, "roots handed over", work / "given", program, faulty.certificates.roots, faulty.rows)
        # The verifier of Windows: to it, nobody vouches for the servers at first.
        good = next(row for row in faulty.rows if row[0] == "a good answer")
        rows_by(renewing, faulty, pool, "Windows's roots", work / "alone", program, None, [untrusted(good)])
        root = work / "root.der"
        root.write_bytes(faulty.certificates.certificate.public_bytes(server.serialization.Encoding.DER))
        problem = windows.wine(trust, windows.windows_path(root))[0]
        note("Windows is told to trust the test's root", problem)
        if not problem:
            with_tls = [row for row in faulty.rows if "https://" in str(row[1])]
            with_tls.append(("TLS that was revoked", revoked, "certificate", "network", "soon"))
            for name, why in VERIFIER_NOT.items():
                skip(f"{name}, Windows's roots", why)
            rows = [row for row in with_tls if row[0] not in VERIFIER_NOT]
            rows_by(renewing, faulty, pool, "Windows's roots", work / "windows", program, None, rows)
        note("what was sent is what poll said", "\n".join(faulty.wrong) or (None if faulty.served else "nothing was served"))
    return None


# The command line.


class Proxy:
    """One that tunnels, and counts whom it led where."""

    def __init__(self):
        self.led = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            stream, _ = self.listener.accept()
            threading.Thread(target=self.lead, args=(stream,), daemon=True).start()

    def lead(self, stream):
        with contextlib.suppress(OSError), stream:
            head = b""
            while b"\r\n\r\n" not in head:
                more = stream.recv(4096)
                if not more:
                    return
                head += more
            method, where = head.split(b" ")[:2]
            self.led.append(f"{method.decode()} {where.decode()}")
            if method != b"CONNECT":
                stream.sendall(b"HTTP/1.1 405 Such\r\nContent-Length: 0\r\n\r\n")
                return
            host, port = where.decode().rsplit(":", 1)
            with socket.create_connection((host, int(port))) as onwards:
                stream.sendall(b"HTTP/1.1 200 Such\r\n\r\n")
                back = threading.Thread(target=self.copy, args=(onwards, stream))
                back.start()
                self.copy(stream, onwards)
                back.join()

    @staticmethod
    def copy(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def settings(enabled, proxy="", past=None):
    """What Windows's own settings say of proxies."""
    values = [("ProxyEnable", "REG_DWORD", str(int(enabled))), ("ProxyServer", "REG_SZ", proxy), ("ProxyOverride", "REG_SZ", past or "")]
    for name, kind, value in values:
        problem = run(["wine", "reg", "add", SETTINGS, "/v", name, "/t", kind, "/d", value, "/f"])[0]
        if problem:
            return problem
    return None


def test_program(work):
    program = pathlib.Path(os.environ.get("REPRIEVE_HOST_TARGET", ROOT / "target")) / "release" / "reprieve-authority"
    import authority as served
    import server

    certificates = server.Certificates(work)
    certificates.context("authority")
    (work / "acme").mkdir()
    try:
        # Seats for the ledgers of all rows.
        authority = served.Authority(work / "acme", work / "authority.pem", place=False, seats=100, program=program)
    except PermissionError as error:
        return skip("the command line renews from the authority", str(error))
    proxy, nobody = Proxy(), f"127.0.0.1:{served.free_port()}"
    with authority, contextlib.ExitStack() as at_end:
        at_end.callback(settings, False)
        for name, said, by_proxy, wanted in (
            ("no proxy", (False,), False, True),
            ("a proxy of Windows's settings", (True, proxy.address, "<-loopback>"), True, True),
            ("a proxy for each protocol", (True, f"ftp={nobody};http={nobody};https={proxy.address}", "<-loopback>"), True, True),
            ("a proxy that is not there", (True, nobody, "<-loopback>"), False, False),
            ("past a proxy, by its name", (True, nobody, "<-loopback>;*.example.com;localhost"), False, True),
            ("past a proxy, as it has no dot", (True, nobody, "<-loopback>;<local>"), False, True),
            ("past a proxy, as it is this machine", (True, nobody, "*.example.com"), False, True),
            ("past no other than those named", (True, nobody, "<-loopback>;example.com;*.test"), False, False),
        ):
            place = work / name.replace(" ", "-").replace(",", "").replace("'", "")
            place.mkdir()
            shutil.copy(authority.app, place)
            with open(place / "reprieve.toml", "a", encoding="utf-8") as file:
                file.write('\n[place]\nfolder = "ledger"\nwitness = "witness"\n')
            problem = settings(*said)
            proxy.led.clear()
            command = ["wine", LIB / "reprieve.exe", "renew", "--online", "--create", "--within", "30", "--app", "reprieve.toml"]
            command += ["--ca", windows.windows_path(certificates.roots), "--code", authority.code]
            done = subprocess.run(list(map(str, command)), capture_output=True, cwd=place, timeout=180, env=without_proxies(), check=False)
            text = (done.stdout + done.stderr).decode("utf-8", "replace")
            wrong = problem
            if wanted and (done.returncode or "\nrenewed" not in f"\n{text}"):
                wrong = wrong or f"it ended with {done.returncode}: {text}"
            if not wanted and not (done.returncode and "no_route" in text):
                # The customer's own proxy, whoever it refuses: an outage of the network's.
                wrong = wrong or f"it ended with {done.returncode}: {text}"
            if bool(proxy.led) != by_proxy or any(one != f"CONNECT localhost:{authority.port}" for one in proxy.led):
                wrong = wrong or f"the proxy led {proxy.led}"
            if wanted:
                problem, out = run(["wine", LIB / "reprieve.exe", "check", "cad", "core", "--app", "reprieve.toml"], cwd=place)
                wrong = wrong or problem or (None if b"full" in out else out.decode())
            note(f"the command line renews from the authority: {name}", wrong)
    return None


def main():
    if not (LIB / "reprieve.dll").exists():
        print("not run: there is no build/windows/release-http/reprieve.dll; start scripts/windows.sh")
        print("http: 0 passed, 0 failed, 1 not run")
        return 3
    try:
        renewing = module("renewing", RENEWING / "run.py")
    except ImportError as error:
        print(f"not run: renewal by HTTP: {error}; build/venv has what the servers need")
        print("http: 0 passed, 0 failed, 1 not run")
        return 3
    ended = renewing.with_hosts()
    if ended is not None:
        return ended
    only = set(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="reprieve-windows-http-") as folder:
        work = pathlib.Path(folder)
        if not only or "table" in only:
            (work / "faulty").mkdir()
            test_table(work, renewing)
        if not only or "program" in only:
            place = work / "program"
            place.mkdir()
            try:
                test_program(place)
            except RuntimeError as error:
                note("the authority serves by TLS", str(error))
    print(f"http: {len(passed)} passed, {len(failed)} failed, {len(skipped)} not run")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
