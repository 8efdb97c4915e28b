"""A server that is faulty in every way that a driver of renewals has to tell apart: real sockets, real TLS. One listener for each way."""

import base64
import contextlib
import datetime
import ipaddress
import json
import pathlib
import socket
import ssl
import struct
import sys
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "processes"))
from vendor import Vendor

# What the test's own /etc/hosts says: a name of two addresses, of which the IPv6 one is tried first (RFC 6724), one of IPv6 alone, and another name.
HOSTS = """127.0.0.1 localhost
::1 both.test
127.0.0.1 both.test
::1 six.test
127.0.0.1 alias.test
"""
PAGE = b"<html>Welcome to our hotel</html>"
OTHER_LEDGER = base64.urlsafe_b64encode(bytes(16)).rstrip(b"=").decode()


class Certificates:
    """An authority of the test's, and certificates that it has signed, in files."""

    def __init__(self, folder):
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Reprieve test root")])
        self.roots = folder / "roots.pem"
        root = self.builder(self.name, self.key, 1, 365).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        self.certificate = root.add_extension(usage, critical=True).sign(self.key, hashes.SHA256())
        self.roots.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def general(self, name):
        with contextlib.suppress(ValueError):
            return x509.IPAddress(ipaddress.ip_address(name))
        return x509.DNSName(name)

    def builder(self, subject, key, from_days, to_days):
        now = datetime.datetime.now(datetime.timezone.utc)
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=from_days))
        made = made.not_valid_after(now + datetime.timedelta(days=to_days))
        return made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)

    def context(self, which, name="localhost", from_days=1, to_days=30, more=()):
        """For a name, and more names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self.builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, from_days, to_days)
        made = made.add_extension(x509.SubjectAlternativeName([self.general(one) for one in (name, *more)]), critical=False)
        made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        made = made.add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        file = self.folder / f"{which}.pem"
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(private + made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def request(stream):
    """Reads a request: its head and body. What a driver sends must be what poll said."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv(4096)
        if not more:
            return None, None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    while len(body) < int(fields.get("content-length", 0)):
        body += stream.recv(65536)
    return (lines[0], fields), body


def write(stream, status, body=b"", fields=""):
    stream.sendall(f"HTTP/1.1 {status} Such\r\n{fields}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)


def answers(status, body=b"", fields=""):
    return lambda stream, _: write(stream, status, body, fields)


def says(data):
    return lambda stream, _: stream.sendall(data)


def silent(stream, _):
    time.sleep(30)


def resets(stream, _):
    stream.sendall(b"HTTP/1.1 200 Such\r\nContent-Length: 1000\r\n\r\nhalf")
    time.sleep(0.1)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drips(begin):
    def behave(stream, _):
        stream.sendall(begin)
        for _ in range(300):
            stream.sendall(b"x")
            time.sleep(0.1)

    return behave


def endless(stream, _):
    stream.sendall(b"HTTP/1.1 200 Such\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        stream.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


class Faulty:
    """The servers. `wrong`: what of the requests was not as it must be. With `addresses`, names are those of `HOSTS`, and there is IPv6."""

    def __init__(self, folder, addresses=False):
        self.vendor, self.certificates = Vendor(str(folder / "vendor")), Certificates(folder)
        good = self.certificates.context("good")
        name = self.certificates.context("name", "other.example")
        expired = self.certificates.context("expired", from_days=60, to_days=-30)
        self.wrong, self.closed, self.served, self.held = [], False, 0, []
        head = b"HTTP/1.1 200 Such\r\nContent-Length: 4000\r\n\r\n"
        # Each row: what it is; where; the word of the outcome; what is reported; whether it is soon asked again.
        self.rows = [
            ("a good answer", self.serve(good, self.leases()), "renewed", "none", "later"),
            ("a good answer over plain HTTP", self.serve(None, self.leases()), "renewed", "none", "later"),
            ("a document for another ledger", self.serve(good, self.leases(OTHER_LEDGER)), "answered: wrong_ledger", "none", "later"),
            ("refused", f"https://localhost:{self.nobody()}/renew", "refused", "server", "soon"),
            ("no such name", "https://no-such-host.invalid/renew", "no_dns", "network", "soon"),
            ("no route", "https://255.255.255.255/renew", "no_route", "network", "soon"),
            ("a black hole", self.serve(good, silent), "timed_out", "network", "soon"),
            ("a body that drips", self.serve(good, drips(head)), "timed_out", "network", "soon"),
            ("a head that drips", self.serve(good, drips(b"HTTP/1.1 200 Such\r\nX-Drip: ")), "timed_out", "network", "soon"),
            ("429 with Retry-After", self.serve(good, answers(429, PAGE, "Retry-After: 600\r\n")), "status 429", "server", "later"),
            ("500", self.serve(good, answers(500, PAGE)), "status 500", "server", "soon"),
            ("a captive portal redirects", self.serve(None, answers(302, b"", "Location: http://localhost:9/login\r\n")), "status 302", "network", "soon"),
            ("a captive portal's page", self.serve(None, answers(200, PAGE, "Content-Type: text/html\r\n")), "status 200", "network", "soon"),
            ("a redirect by the authority", self.serve(good, answers(302, b"", "Location: http://localhost:9/\r\n")), "status 302", "server", "soon"),
            ("an endless body", self.serve(good, endless), "too_long", "server", "soon"),
            ("an endless body over plain HTTP", self.serve(None, endless), "too_long", "network", "soon"),
            ("half a body", self.serve(good, says(head + b"half")), "reset", "server", "soon"),
            ("a reset in the middle", self.serve(None, resets), "reset", "server", "soon"),
            ("closed without a word", self.serve(good, says(b"")), "reset", "server", "soon"),
            ("TLS for another name", self.serve(name, answers(200, PAGE)), "certificate", "network", "soon"),
            ("TLS that has expired", self.serve(expired, answers(200, PAGE)), "certificate", "network", "soon"),
            ("no TLS where TLS is asked for", self.serve(None, None).replace("http:", "https:"), "tls", "network", "soon"),
            ("no HTTP", self.serve(good, says(b"SSH-2.0-OpenSSH_9\r\n\r\n\r\n")), "protocol", "server", "soon"),
        ]  # fmt: skip
        if addresses:
            self.rows += self.of_addresses()

    def of_addresses(self):
        """Names and addresses: one answers, and the others do not."""
        good = self.certificates.context("both", "both.test", more=("six.test", "::1", "127.0.0.1"))
        four, six = ("127.0.0.1",), ("::1",)
        serve = lambda host, at, context=good, holes=(): self.serve(context, self.leases(), host, at, holes)  # noqa: E731
        two = serve("both.test", four)
        return [
            ("IPv6 alone", serve("six.test", six), "renewed", "none", "later"),
            ("both addresses of a name", serve("both.test", six + four), "renewed", "none", "later"),
            ("IPv4 alone, a name of both", serve("both.test", four), "renewed", "none", "later"),
            ("the first address a black hole", serve("both.test", four, holes=six), "renewed", "none", "later"),
            ("both addresses black holes", serve("both.test", (), holes=six + four), "timed_out", "network", "soon"),
            ("both addresses refuse", f"https://both.test:{self.nobody()}/renew", "refused", "server", "soon"),
            ("a literal IPv6 address", serve("[::1]", six), "renewed", "none", "later"),
            ("a literal IPv4 address", serve("127.0.0.1", four), "renewed", "none", "later"),
            ("an address not in the certificate", serve("[::1]", six, self.certificates.context("six", "six.test")), "certificate", "network", "soon"),
            ("a name not in the certificate", serve("alias.test", four), "certificate", "network", "soon"),
            ("that name, then one that is", [two.replace("both.", "alias."), two], "renewed", "none", "later"),
            ("a name not there, then one that is", ["https://no-such-host.invalid/renew", two], "renewed", "none", "later"),
        ]  # fmt: skip

    def nobody(self):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return one.getsockname()[1]

    def leases(self, ledger=None):
        def behave(stream, body):
            said = json.loads(body)
            claims = {"license": "L1", "sku": "cad", "ledger": ledger or said["ledger"], "nonce": said["nonce"]}
            token = self.vendor.sign("lease", {**claims, "features": {"core": int(time.time()) + 86_400}}, iat=int(time.time()))
            write(stream, 200, json.dumps({"documents": [token.decode()]}).encode(), "Content-Type: application/json\r\n")

        return behave

    def serve(self, context, behaviour, host="localhost", addresses=("127.0.0.1",), holes=()):
        """At one port of each address. Holes take a connection that nobody accepts, so that their queues are full: to the next, they say nothing."""
        listeners = self.listeners(addresses + holes)
        for listener in listeners[len(addresses) :]:
            listener.listen(0)
            filled = socket.socket(listener.family)
            filled.connect(listener.getsockname()[:2])
            self.held += [listener, filled]
        for listener in listeners[: len(addresses)]:
            listener.listen(32)
            threading.Thread(target=self.accept, args=(listener, context, behaviour), daemon=True).start()
        return f"{'https' if context else 'http'}://{host}:{listeners[0].getsockname()[1]}/renew"

    def listeners(self, addresses):
        for _ in range(50):
            port, made = 0, []
            try:
                for address in addresses:
                    made.append(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
                    made[-1].bind((address, port))
                    port = made[-1].getsockname()[1]
                return made
            except OSError:
                # Another's port at one of the addresses.
                for one in made:
                    one.close()
        raise RuntimeError(f"no port is free at {addresses}")

    def accept(self, listener, context, behaviour):
        while True:
            stream, _ = listener.accept()
            threading.Thread(target=self.answer, args=(stream, context, behaviour), daemon=True).start()

    def answer(self, stream, context, behaviour):
        # A client that goes away is what half of the rows are about.
        with contextlib.suppress(OSError), stream:
            if behaviour is None:
                stream.recv(1024)
                write(stream, 400)
                return
            if context:
                stream = context.wrap_socket(stream, server_side=True)
            head, body = request(stream)
            if head is None:
                return
            if head[0].startswith("head "):
                # A probe after an outage: it shows that the network leads here, and nothing else.
                stream.sendall(b"HTTP/1.1 405 Such\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            self.served += 1
            fields = head[1]
            if not head[0].startswith("post /renew http/1.1") or fields.get("content-type") != "application/json":
                self.wrong.append(f"a request was not as it must be: {head}")
            if not fields.get("user-agent", "").startswith("reprieve/") or fields.get("accept") != "application/json":
                self.wrong.append(f"a request has not the header fields that poll gave: {fields}")
            behaviour(stream, body)

    def app(self, folder, url):
        """An application file of the vendor's that renews there, or at the first that answers, with a ledger of its own."""
        folder.mkdir(parents=True)
        urls = [url] if isinstance(url, str) else url
        tables = ", ".join(f'{{ url = "{url}", priority = {at + 1} }}' for at, url in enumerate(urls))
        with open(self.vendor.app, encoding="utf-8") as file:
            text = f"endpoints = [{tables}]\n" + file.read()
        app = folder / "reprieve.toml"
        app.write_text(text)
        return app
