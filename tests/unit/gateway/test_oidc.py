"""OpenID Connect against an issuer of our own over HTTP: what is taken, and what is not."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from casetrail_gateway.adapters.oidc import OidcTokens
from casetrail_gateway.domain.jwt import Expected
from casetrail_gateway.domain.people import Caller
from casetrail_local.ports import LOOPBACK, free_port
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

RSA_KEYS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def number(value: int) -> str:
    """A number of a JWK."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def rsa_jwk(kid: str, key: rsa.RSAPrivateKey, **more: Any) -> dict[str, Any]:
    """The public half as the issuer publishes it."""
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "kid": kid, "n": number(numbers.n), "e": number(numbers.e), **more}


def jwks() -> list[dict[str, Any]]:
    """Three keys, one of them not for signing."""
    point = EC_KEY.public_key().public_numbers()
    xy = {"x": b64(point.x.to_bytes(32, "big")), "y": b64(point.y.to_bytes(32, "big"))}
    return [
        rsa_jwk("one", RSA_KEYS[0]),
        {"kty": "EC", "crv": "P-256", "kid": "ec", **xy},
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "kid": "ed",
            "x": b64(ED_KEY.public_key().public_bytes_raw()),
        },
        rsa_jwk("enc", RSA_KEYS[1], use="enc"),
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
    ]


@dataclass
class Issuer:
    """A real HTTP server that publishes its configuration and keys."""

    url: str
    keys: list[dict[str, Any]] = field(default_factory=jwks)
    away: bool = False
    named: str | None = None
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request."""
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ", 2)[1].decode()
        self.asked.append(path)
        body: Mapping[str, Any] = {"keys": self.keys}
        if path.endswith("openid-configuration"):
            body = {"issuer": self.named or self.url, "jwks_uri": f"{self.url}/keys"}
        status = "503 Away" if self.away else "200 OK"
        content = json.dumps(body).encode()
        start = f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        writer.write(start.encode() + content)
        await writer.drain()
        writer.close()


class Noon:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Noon."""
        return AT

    def new_id(self) -> str:
        """No id is needed."""
        raise NotImplementedError


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """The issuer, on a port of its own."""
    port = free_port()
    made = Issuer(f"http://{LOOPBACK}:{port}")
    server = await asyncio.start_server(made.serve, LOOPBACK, port)
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
async def tokens(issuer: Issuer) -> AsyncIterator[OidcTokens]:
    """The check, as the gateway makes it."""
    expected = Expected(
        issuer=issuer.url,
        audience="casetrail",
        id_claim="sub",
        role_claim="roles",
        workspace_claim="workspace",
    )
    made = OidcTokens(expected, ["RS256", "ES256", "EdDSA"], Noon())
    yield made
    await made.close()


def token(
    issuer: Issuer, *, header: Mapping[str, Any] | None = None, key: Any = None, **claims: Any
) -> str:
    """A token of the issuer; a claim that is None is left out."""
    said = {
        "iss": issuer.url,
        "aud": "casetrail",
        "sub": "a",
        "name": "Agent A",
        "roles": ["agent"],
        "workspace": "main",
        "exp": int(AT.timestamp()) + 300,
        "iat": int(AT.timestamp()) - 10,
        **claims,
    }
    said = {name: value for name, value in said.items() if value is not None}
    top = {"alg": "RS256", "kid": "one", "typ": "JWT", **(header or {})}
    signed = f"{b64(json.dumps(top).encode())}.{b64(json.dumps(said).encode())}"
    return f"{signed}.{b64(signature(signed.encode(), RSA_KEYS[0] if key is None else key))}"


def signature(signed: bytes, key: Any) -> bytes:
    """Signed by whatever kind of key it is."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    if isinstance(key, bytes):
        return key
    made: bytes = key.sign(signed)
    return made


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({}, RSA_KEYS[0]),
        ({"alg": "ES256", "kid": "ec"}, EC_KEY),
        ({"alg": "EdDSA", "kid": "ed"}, ED_KEY),
    ],
)
async def test_a_token_of_the_issuer_is_taken(
    issuer: Issuer, tokens: OidcTokens, header: dict[str, str], key: Any
) -> None:
    """Each algorithm that is allowed, with the key published for it."""
    given = token(issuer, header=header, key=key)
    assert await tokens.holder_of(given) == Caller("a", "Agent A", "agent", "main")


@pytest.mark.parametrize(
    ("header", "key", "claims"),
    [
        ({}, RSA_KEYS[1], {}),
        ({}, b"", {}),
        ({"alg": "none"}, b"", {}),
        ({"alg": "HS256"}, b"x" * 32, {}),
        ({"alg": "ES256"}, EC_KEY, {}),
        ({"kid": "ec"}, EC_KEY, {}),
        ({"kid": "enc"}, RSA_KEYS[1], {}),
        ({"kid": "secret"}, b"x", {}),
        ({"kid": "nobody"}, RSA_KEYS[0], {}),
        ({"kid": None}, RSA_KEYS[0], {}),
        ({"crit": ["x"]}, RSA_KEYS[0], {}),
        ({"alg": "ES256", "kid": "ec"}, bytes(64), {}),
        ({"alg": "ES256", "kid": "ec"}, b"short", {}),
        ({}, None, {"iss": "https://elsewhere.example"}),
        ({}, None, {"aud": "other"}),
        ({}, None, {"aud": None}),
        ({}, None, {"aud": ["other"]}),
        ({}, None, {"exp": None}),
        ({}, None, {"exp": "soon"}),
        ({}, None, {"exp": int(AT.timestamp()) - 61}),
        ({}, None, {"nbf": int(AT.timestamp()) + 61}),
        ({}, None, {"sub": "A Person"}),
        ({}, None, {"sub": None}),
        ({}, None, {"sub": {"$ne": None}}),
        ({}, None, {"workspace": None}),
        ({}, None, {"workspace": "Main!"}),
        ({}, None, {"roles": []}),
        ({}, None, {"roles": ["owner"]}),
        ({}, None, {"roles": None}),
    ],
)
async def test_everything_else_is_refused(
    issuer: Issuer, tokens: OidcTokens, header: Any, key: Any, claims: dict[str, Any]
) -> None:
    """INVARIANT I9: wrong key, algorithm, issuer, audience, time, name, workspace or role."""
    assert await tokens.holder_of(token(issuer, header=header, key=key, **claims)) is None


async def test_clocks_may_differ_by_a_minute(issuer: Issuer, tokens: OidcTokens) -> None:
    """A token that expired, or begins, within the leeway is taken."""
    now = int(AT.timestamp())
    assert await tokens.holder_of(token(issuer, exp=now - 59)) is not None
    assert await tokens.holder_of(token(issuer, nbf=now + 59)) is not None


async def test_of_several_roles_the_most_powerful_counts(
    issuer: Issuer, tokens: OidcTokens
) -> None:
    """Roles of other systems are passed over; one role may stand alone."""
    caller = await tokens.holder_of(
        token(issuer, roles=["user", "agent", "lead"], aud=["x", "casetrail"])
    )
    assert caller is not None
    assert caller.role == "lead"
    alone = await tokens.holder_of(token(issuer, roles="reviewer", name=None))
    assert alone == Caller("a", "a", "reviewer", "main")


async def test_a_new_key_is_found_and_strangers_do_not_make_us_ask(
    issuer: Issuer, tokens: OidcTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rotation the next token is taken; made-up keys cost the issuer nothing."""
    now = time.monotonic()
    monkeypatch.setattr("casetrail_gateway.adapters.oidc.time.monotonic", lambda: now)
    assert await tokens.holder_of(token(issuer)) is not None
    asked = len(issuer.asked)
    issuer.keys = [rsa_jwk("two", RSA_KEYS[1])]
    rotated = token(issuer, header={"kid": "two"}, key=RSA_KEYS[1])
    for _ in range(5):
        assert await tokens.holder_of(rotated) is None
    assert len(issuer.asked) == asked
    now += 16
    assert await tokens.holder_of(rotated) is not None
    assert await tokens.holder_of(token(issuer)) is None
    assert len(issuer.asked) == asked + 2


async def test_an_issuer_that_is_away_changes_nothing(
    issuer: Issuer, tokens: OidcTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys that are known go on; without any, nobody is let in."""
    now = time.monotonic()
    monkeypatch.setattr("casetrail_gateway.adapters.oidc.time.monotonic", lambda: now)
    issuer.away = True
    assert await tokens.holder_of(token(issuer)) is None
    issuer.away = False
    now += 16
    assert await tokens.holder_of(token(issuer)) is not None
    issuer.away = True
    now += 700
    assert await tokens.holder_of(token(issuer)) is not None


async def test_an_issuer_that_names_another_is_not_believed(
    issuer: Issuer, tokens: OidcTokens
) -> None:
    """The discovery document has to be the issuer's own."""
    issuer.named = "https://elsewhere.example"
    assert await tokens.holder_of(token(issuer)) is None


@pytest.mark.parametrize(
    "uri", ["http://169.254.169.254/keys", "file:///etc/passwd", "ftp://x/keys", None]
)
async def test_keys_are_fetched_from_nowhere_odd(uri: str | None) -> None:
    """SSRF: only https, or the issuer's own plain address, is asked; redirects are not followed."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"issuer": "https://id.example", "jwks_uri": uri})

    expected = Expected(
        issuer="https://id.example",
        audience="casetrail",
        id_claim="sub",
        role_claim="roles",
        workspace_claim="workspace",
    )
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    made = OidcTokens(expected, ["RS256"], Noon(), client)
    given = token(Issuer("https://id.example"))
    assert await made.holder_of(given) is None
    assert asked == ["https://id.example/.well-known/openid-configuration"]


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "....", "ä.ö.ü", "e30.e30.e30", "x" * 20_000])
async def test_what_is_no_token_is_refused_without_asking(
    issuer: Issuer, tokens: OidcTokens, text: str
) -> None:
    """Rubbish costs nobody a request."""
    assert await tokens.holder_of(text) is None
    assert issuer.asked == []
