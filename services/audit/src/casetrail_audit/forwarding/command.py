"""`python -m casetrail_audit webhooks apply|check|run|enable NAME|resend SEQ`."""

import argparse
import asyncio
from collections.abc import Sequence

import nats.errors
from casetrail_contracts.subjects import AUDIT, DEAD
from casetrail_runtime.connecting import Entrance
from casetrail_runtime.mongo import database, make_client
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.serving import serve
from casetrail_runtime.settings import load_settings
from casetrail_runtime.streams import StreamsMisconfigured, apply_all, check_all
from casetrail_runtime.yaml_file import FileInvalid
from nats.js import JetStreamContext
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError
from pymongo.errors import PyMongoError

from casetrail_audit.forwarding.addresses import Guard
from casetrail_audit.forwarding.assembly import create_app
from casetrail_audit.forwarding.endpoint import Delivery, Endpoint, message_id
from casetrail_audit.forwarding.endpoints_file import load_endpoints
from casetrail_audit.forwarding.http_posts import HttpPosts
from casetrail_audit.forwarding.mongo_book import MongoBook
from casetrail_audit.forwarding.settings import WebhooksSettings
from casetrail_audit.forwarding.stream_messages import durable_of

DONE, WRONG, REFUSED, UNAVAILABLE = 0, 1, 2, 3


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m casetrail_audit webhooks",
        description="Sends the records to the HTTP endpoints in AUDIT_WEBHOOKS_FILE. Exit code 0: "
        "done; 1: wrong, a sentence each; 2: asked wrongly; 3: a server is away.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("run", help="sends, until it is stopped")
    actions.add_parser("apply", help="declares the durable of each endpoint")
    actions.add_parser("check", help="whether file and durables are right")
    enable = actions.add_parser("enable", help="goes on with an endpoint that said 410")
    enable.add_argument("name", help="the endpoint")
    resend = actions.add_parser("resend", help="sends dead letters once more, to their endpoint")
    resend.add_argument("seqs", type=int, nargs="+", metavar="SEQ", help="sequences of DEAD")
    return parser.parse_args(arguments)


def webhooks(arguments: Sequence[str]) -> int:
    """Runs the command; its exit code."""
    options = parse(arguments)
    settings = load_settings(WebhooksSettings)
    try:
        if options.action == "run":
            serve(create_app(settings), settings)
            return DONE
        return asyncio.run(_done(options, settings))
    except FileInvalid as faults:
        return _say(str(faults), REFUSED)
    except StreamsMisconfigured as faults:
        return _say(str(faults), WRONG)
    except (nats.errors.Error, JetStreamError, PyMongoError, OSError, TimeoutError) as fault:
        return _say(f"A server is away: {describe_error(fault)}.", UNAVAILABLE)


async def _done(options: argparse.Namespace, settings: WebhooksSettings) -> int:
    endpoints = load_endpoints(settings.file)
    if options.action == "enable":
        return await _enable(options.name, endpoints, settings)
    entrance = Entrance.of(settings, "webhooks")
    client = await entrance.connected(allow_reconnect=False, connect_timeout=5)
    try:
        js = client.jetstream()
        if options.action == "resend":
            return await _resend(js, options.seqs, endpoints, settings)
        durables = [durable_of(endpoint, settings.ack_wait) for endpoint in endpoints]
        if options.action == "apply":
            return _say("\n".join(await apply_all(js, [], durables)), DONE)
        wrong = await check_all(js, [], durables)
        return _say("\n".join(wrong) or f"{len(endpoints)} webhooks are right.", int(bool(wrong)))
    finally:
        await client.close()


async def _enable(name: str, endpoints: Sequence[Endpoint], settings: WebhooksSettings) -> int:
    if name not in {endpoint.name for endpoint in endpoints}:
        return _say(f"There is no webhook {name} in {settings.file}.", REFUSED)
    client = make_client(settings, "audit-webhooks")
    try:
        await MongoBook(database(client)).enable(name)
    finally:
        client.close()
    return _say(f"{name} is on: it goes on where it stood.", DONE)


async def _resend(
    js: JetStreamContext,
    seqs: Sequence[int],
    endpoints: Sequence[Endpoint],
    settings: WebhooksSettings,
) -> int:
    """Each letter once: its id is the one it always had, so the endpoint knows it."""
    known = {endpoint.name: endpoint for endpoint in endpoints}
    posts = HttpPosts(Guard(settings.networks), settings.timeout)
    code = DONE
    try:
        for seq in seqs:
            said = await _sent(js, seq, known, posts)
            code = code if said == "sent" else WRONG
            _say(f"{seq}: {said}", code)
    finally:
        await posts.close()
    return code


async def _sent(
    js: JetStreamContext, seq: int, known: dict[str, Endpoint], posts: HttpPosts
) -> str:
    try:
        letter = await js.get_msg(DEAD, seq)
    except NotFoundError:
        return "there is no such dead letter"
    headers, data = letter.headers or {}, letter.data or b""
    endpoint = known.get(headers.get("endpoint", ""))
    if endpoint is None or headers.get("stream") != AUDIT:
        return "it is of no webhook in the file"
    named = {"Nats-Msg-Id": headers.get("original-Nats-Msg-Id", "")}
    place = int(headers["stream_sequence"])
    kind = headers.get("content-type", "application/octet-stream")
    answer = await posts(endpoint, Delivery(message_id(named, place, data), place, data, kind))
    return answer.problem or "sent"


def _say(text: str, code: int) -> int:
    print(text)  # noqa: T201 - a command
    return code
