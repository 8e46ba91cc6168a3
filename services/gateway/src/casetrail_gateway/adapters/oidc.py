"""Tokens of an OpenID Connect issuer, checked with the keys it publishes."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from casetrail_gateway.domain.jwt import Expected, Jwt, TokenRefused, decoded
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import Clock

log = structlog.get_logger()

FRESH: Final = 600.0
"""Seconds until the keys are read again."""
RETRY: Final = 15.0
"""Seconds between two readings because of a key nobody knows: anybody can make such tokens up."""
_TIMEOUT: Final = 5.0
_MOST_BYTES: Final = 1_000_000
_LEAST_RSA_BITS: Final = 2048
_P256_BYTES: Final = 32

Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class IssuerFaulty(Exception):
    """The issuer's documents cannot be used; the message says which and why."""


class OidcTokens:
    """Who a token of this issuer stands for.

    Keys are read when they are first needed, every ten minutes, and when a token names one nobody
    knows. An issuer that does not answer changes nothing as long as there are keys.
    """

    def __init__(
        self,
        expected: Expected,
        algorithms: Sequence[str],
        clock: Clock,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._expected = expected
        self._algorithms = tuple(algorithms)
        self._clock = clock
        self._client = client or httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False)
        self._keys: Mapping[str, tuple[str, Key]] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def holder_of(self, token: str) -> Caller | None:
        """The caller; None for a token that is not taken, whatever the reason."""
        try:
            jwt = Jwt.parse(token, self._algorithms)
            key = await self._key(jwt)
            await asyncio.to_thread(_verify, jwt, key)
            return self._expected.caller(jwt.claims, self._clock.now())
        except TokenRefused as refusal:
            log.info("oidc_token_refused", reason=str(refusal))
        except (IssuerFaulty, httpx.HTTPError) as fault:
            log.error("oidc_issuer_faulty", reason=str(fault) or type(fault).__name__)  # noqa: TRY400 - said in full
        return None

    async def close(self) -> None:
        """Lets the connections to the issuer go."""
        await self._client.aclose()

    async def _key(self, jwt: Jwt) -> Key:
        age = time.monotonic() - self._read_at
        if age > FRESH or (jwt.key_id not in self._keys and age > RETRY):
            await self._read(self._read_at)
        algorithm, key = self._keys.get(jwt.key_id, ("", None))
        if key is None:
            raise TokenRefused("names a key the issuer does not publish")
        if algorithm != jwt.algorithm:
            raise TokenRefused("is signed by another algorithm than its key is for")
        return key

    async def _read(self, seen: float) -> None:
        async with self._reading:
            if self._read_at != seen:
                return  # somebody else read them while this one waited
            self._read_at = time.monotonic()
            try:
                issuer = self._expected.issuer
                about = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
                found = await self._get(_address_of_keys(about, issuer))
                self._keys = _keys(found.get("keys"))
            except (IssuerFaulty, httpx.HTTPError) as fault:
                self._read_at = time.monotonic() - FRESH + RETRY
                if not self._keys:
                    raise
                log.warning("oidc_keys_not_read", reason=str(fault) or type(fault).__name__)

    async def _get(self, url: str) -> Mapping[str, Any]:
        async with self._client.stream("GET", url, follow_redirects=False) as answer:
            if answer.status_code != httpx.codes.OK:
                raise IssuerFaulty(f"{url} answers {answer.status_code}")
            body = b""
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _MOST_BYTES:
                    raise IssuerFaulty(f"{url} answers too much")
        try:
            value = httpx.Response(200, content=body).json()
        except ValueError:
            raise IssuerFaulty(f"{url} is not JSON") from None
        if not isinstance(value, dict):
            raise IssuerFaulty(f"{url} is not a JSON object")
        return value


def _address_of_keys(about: Mapping[str, Any], issuer: str) -> str:
    """Where the keys are: https, or the issuer's own address when that is a plain one."""
    if about.get("issuer") != issuer:
        raise IssuerFaulty(f"the configuration at {issuer} names another issuer")
    url = str(about.get("jwks_uri"))
    scheme = urlsplit(url).scheme
    if scheme != "https" and (scheme, urlsplit(url).netloc) != ("http", urlsplit(issuer).netloc):
        raise IssuerFaulty("jwks_uri is no https address")
    return url


def _keys(found: object) -> Mapping[str, tuple[str, Key]]:
    keys: dict[str, tuple[str, Key]] = {}
    for each in found if isinstance(found, list) else []:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":
            continue
        try:
            made = _key_of(each)
        except (TokenRefused, ValueError, KeyError, TypeError):
            continue  # of a kind that is not for us
        if made is not None and isinstance(each.get("kid"), str):
            keys[each["kid"]] = made
    if not keys:
        raise IssuerFaulty("the issuer publishes no key that can be used")
    return keys


def _key_of(jwk: Mapping[str, Any]) -> tuple[str, Key] | None:
    kind = (jwk["kty"], jwk.get("crv"))
    if kind[0] == "RSA":
        numbers = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"]))
        key = numbers.public_key()
        return ("RS256", key) if key.key_size >= _LEAST_RSA_BITS else None
    if kind == ("EC", "P-256"):
        point = ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1())
        return "ES256", point.public_key()
    if kind == ("OKP", "Ed25519"):
        return "EdDSA", ed25519.Ed25519PublicKey.from_public_bytes(decoded(jwk["x"]))
    return None


def _number(text: str) -> int:
    return int.from_bytes(decoded(text), "big")


def _verify(jwt: Jwt, key: Key) -> None:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(jwt.signature, jwt.signed, padding.PKCS1v15(), SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_dss(jwt.signature), jwt.signed, ec.ECDSA(SHA256()))
        else:
            key.verify(jwt.signature, jwt.signed)
    except InvalidSignature:
        raise TokenRefused("has a signature that does not hold") from None


def _dss(signature: bytes) -> bytes:
    """The two numbers of an ES256 signature, each of 32 bytes, as the library takes them."""
    if len(signature) != 2 * _P256_BYTES:
        raise InvalidSignature
    halves = signature[:_P256_BYTES], signature[_P256_BYTES:]
    r, s = (int.from_bytes(half, "big") for half in halves)
    return encode_dss_signature(r, s)
