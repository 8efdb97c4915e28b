"""Signs and verifies documents with PyJWT and with jwcrypto, for tests/document_interop.rs.

Reads one JSON object from standard input:
  {"sign": [{"kind", "claims", "keys": [private JWK, ...], "pems": [PEM, ...]}], "verify": [{"token", "keys": [public JWK, ...]}]}
and writes one to standard output:
  {"signed": [{"kind", "by", "form", "token"}], "verified": [{"by", "claims"}]}
Exits with 3 if a library is missing.
"""

import json
import sys

try:
    import jwt
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from jwcrypto import jwk, jws
except ImportError as missing:
    print(missing, file=sys.stderr)
    sys.exit(3)


def header(kind, key):
    return {"typ": f"reprieve-{kind}+jwt", "kid": key["kid"]}


def by_pyjwt(kind, claims, key, pem):
    private = load_pem_private_key(pem.encode(), password=None)
    return jwt.encode(claims, private, algorithm="EdDSA", headers=header(kind, key))


def by_jwcrypto(kind, claims, keys, compact):
    token = jws.JWS(json.dumps(claims).encode())
    for key in keys:
        protected = json.dumps({"alg": "EdDSA", **header(kind, key)})
        token.add_signature(jwk.JWK(**key), None, protected, None)
    return token.serialize(compact=compact)


def sign(job):
    kind, claims, keys = job["kind"], job["claims"], job["keys"]
    if len(keys) == 1:
        yield kind, "PyJWT", "compact", by_pyjwt(kind, claims, keys[0], job["pems"][0])
        yield kind, "jwcrypto", "compact", by_jwcrypto(kind, claims, keys, True)
        yield kind, "jwcrypto", "flattened", by_jwcrypto(kind, claims, keys, False)
    else:
        yield kind, "jwcrypto", "general", by_jwcrypto(kind, claims, keys, False)


def verify(job):
    token, keys = job["token"], job["keys"]
    if len(keys) == 1:
        options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}
        public = jwt.PyJWK(keys[0], algorithm="EdDSA").key
        yield "PyJWT", jwt.decode(token, public, algorithms=["EdDSA"], options=options)
    for key in keys:
        read = jws.JWS()
        read.deserialize(token, jwk.JWK(**key))
        yield "jwcrypto", json.loads(read.payload)


def main():
    job = json.load(sys.stdin)
    signed = [one for each in job["sign"] for one in sign(each)]
    verified = [one for each in job["verify"] for one in verify(each)]
    json.dump(
        {
            "signed": [dict(zip(("kind", "by", "form", "token"), one)) for one in signed],
            "verified": [{"by": by, "claims": claims} for by, claims in verified],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
