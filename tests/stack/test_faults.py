"""What only processes, queues and an identity provider show: killed, crowded, rotated, deceived."""

import base64
import hmac
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local.demo.client import WORK_QUEUES
from points_ledger.verify import AGREES, main
from tests.stack.client import StackClient, days_ago, in_parallel, problem, unique
from tests.stack.standard import Purchase

pytestmark = [pytest.mark.stack, pytest.mark.soak]

Json = dict[str, Any]

MAX_SENDS: Final = 40
"""Of one delivery: a provider repeats it until it is taken."""


# --- Killed ---------------------------------------------------------------------------------

KILLS: Final = {"accrual": 2, "maturation": 2, "ledger_events": 1, "webhooks": 1}
"""Whose processes are killed while they work, and how often: the emulator unpacks the code of a
function anew for each, which takes seconds."""
AT_WORK: Final = 12
"""Messages that are sent before, so that there is somebody to be killed."""
CUSTOMERS: Final = 10
PURCHASES_EACH: Final = 6
POINTS_EACH: Final = 30
DRAIN_SECONDS: Final = 120.0


def processes(ledger: StackClient) -> dict[int, str]:
    """The emulator's own processes that run a function, and which one."""
    names = {physical: name for name, physical in ledger.stack["functions"].items()}
    home = Path(ledger.stack["build_folder"]).parent
    emulator = json.loads((home / "emulator.json").read_text(encoding="utf-8"))["pid"]
    found: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended meanwhile
        if parent != emulator:
            continue
        for variable in environment:
            name, _, value = variable.decode(errors="replace").partition("=")
            if name == "AWS_LAMBDA_FUNCTION_NAME" and value in names:
                found[int(folder.name)] = names[value]
    return found


@contextmanager
def killing(ledger: StackClient, *, every_seconds: float) -> Iterator[Counter[str]]:
    """Kill a process of a function again and again, as the system does, without asking."""
    killed: Counter[str] = Counter()
    over = threading.Event()
    dice = random.Random(6)  # noqa: S311 - who is killed is no secret

    def kill() -> None:
        while killed.total() < sum(KILLS.values()) and not over.wait(every_seconds):
            alive = [
                (pid, name)
                for pid, name in processes(ledger).items()
                if killed[name] < KILLS.get(name, 0)
            ]
            if not alive:
                continue
            pid, name = dice.choice(alive)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed[name] += 1

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def send_until_taken(ledger: StackClient, message: Json) -> int:
    """Deliver as a provider does: again, until it is taken; how often it was sent."""
    body = json.dumps(message).encode()
    for sent in range(1, MAX_SENDS + 1):
        try:
            status = ledger.post_standard(body).status_code
        except httpx.TransportError:
            continue
        if status == 202:
            return sent
        assert status >= 429, status
        time.sleep(0.1)
    raise AssertionError(f"not taken in {MAX_SENDS} deliveries")


def verified(ledger: StackClient, member_id: str, folder: Path) -> bool:
    """Whether everything in a member's export is as its rules and its chain say."""
    answer = ledger.get(
        f"/members/{member_id}/export", token=ledger.staff_token, query={"limit": 100}
    )
    assert answer.status_code == 200
    assert answer.json()["cursor"] is None
    path = folder / f"{member_id}.json"
    path.write_text(answer.text, encoding="utf-8")
    return main([str(path)]) == AGREES


def test_processes_killed_under_load_lose_nothing_and_double_nothing(
    ledger: StackClient, tmp_path: Path
) -> None:
    people = in_parallel([ledger.customer] * CUSTOMERS)
    amount = f"{POINTS_EACH // 3 * 50}.00"
    messages: list[Json] = []
    for _, customer_id in people:
        for _ in range(PURCHASES_EACH):
            purchase = Purchase(customer_id=customer_id, amount=amount, posted_at=days_ago(3))
            messages += [purchase.posted(), purchase.paid("1", amount, at=days_ago(2))]
    random.Random(7).shuffle(messages)  # noqa: S311 - paid often comes before posted

    for message in messages[:AT_WORK]:
        send_until_taken(ledger, message)
    with killing(ledger, every_seconds=0.3) as killed, ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda message: send_until_taken(ledger, message), messages[AT_WORK:]))
    assert killed["accrual"] >= 1, killed
    assert killed["maturation"] >= 1, killed

    expected = PURCHASES_EACH * POINTS_EACH
    for member_id, _ in people:
        ledger.wait_for(
            f"{member_id} has {expected} points",
            lambda member_id=member_id: ledger.amounts(member_id),  # type: ignore[misc]
            lambda amounts: amounts == (0, expected, 0),
            seconds=DRAIN_SECONDS,
        )
    ledger.wait_until_processed()
    assert [ledger.messages_waiting(f"{queue}_dead_letters") for queue in WORK_QUEUES] == [0, 0]
    for member_id, _ in people:
        entries = ledger.entries(member_id)
        types = Counter(entry["type"] for entry in entries)
        assert types["accrual"] == PURCHASES_EACH
        assert sum(entry["available"] for entry in entries) == expected
        assert all(after["previous_hash"] == before["hash"] for before, after in pairwise(entries))
        assert verified(ledger, member_id, tmp_path)


# --- Crowded --------------------------------------------------------------------------------

WRITERS: Final = 200
REDEEMERS: Final = 24


def test_two_hundred_writers_of_one_member_are_each_in_once(ledger: StackClient) -> None:
    member_id, customer_id = ledger.customer()
    ledger.make_rich(member_id, customer_id, 3_000)
    _ = ledger.staff_token
    purchases = [
        Purchase(customer_id=customer_id, amount="50.00", posted_at=days_ago(3))
        for _ in range(WRITERS - REDEEMERS)
    ]
    keys = [unique("key") for _ in range(REDEEMERS)]

    def redeem(key: str) -> str:
        """Ask until the answer is definite."""
        for _ in range(MAX_SENDS):
            answer = ledger.redeem(member_id, points=500, key=key)
            if answer.status_code != 409:
                return "redeemed" if answer.status_code == 201 else problem(answer)[1]
            assert problem(answer) == (409, "conflict")
        raise AssertionError("nothing definite")

    def post(purchase: Purchase) -> str:
        ledger.deliver(purchase.posted())
        return "delivered"

    calls: list[Callable[[], str]] = [lambda each=each: post(each) for each in purchases]  # type: ignore[misc]
    calls += [lambda key=key: redeem(key) for key in keys]  # type: ignore[misc]
    random.Random(3).shuffle(calls)  # noqa: S311 - an order, no secret
    with ThreadPoolExecutor(16) as threads:
        ended = Counter(threads.map(lambda call: call(), calls))

    assert ended["delivered"] == len(purchases)
    assert ended["redeemed"] == 6
    assert ended["insufficient_points"] == REDEEMERS - 6
    ledger.wait_for_amounts(member_id, pending=3 * len(purchases), available=0)
    ledger.wait_until_processed()
    entries = ledger.entries(member_id)
    accruals = [entry for entry in entries if entry["type"] == "accrual"]
    assert len({entry["source"]["id"] for entry in accruals}) == len(accruals) == len(purchases) + 1
    assert [entry["entry"] for entry in entries] == list(range(1, len(entries) + 1))
    assert all(after["previous_hash"] == before["hash"] for before, after in pairwise(entries))


# --- Rotated --------------------------------------------------------------------------------

REREAD_SECONDS: Final = 5
"""How long a process may refuse a secret that is new."""


def activate(ledger: StackClient, *active: str) -> None:
    """Make these the active secrets of the standard provider."""
    client = ledger.session.client(
        "secretsmanager", endpoint_url=ledger.stack["endpoint_url"], config=ledger.config
    )
    others = {
        name: [secret]
        for name, secret in ledger.stack["webhook_secrets"].items()
        if name != "standard"
    }
    document = {**others, "standard": list(active), "stripe_api_key": None}
    document["square_access_token"] = None
    arn = ledger.stack["webhook_secret_arn"]
    client.put_secret_value(SecretId=arn, SecretString=json.dumps(document))


def test_a_secret_is_rotated_under_load_and_nothing_is_lost(ledger: StackClient) -> None:
    old = ledger.stack["webhook_secrets"]["standard"]
    new = f"whsec_{base64.b64encode(os.urandom(24)).decode()}"
    member_id, customer_id = ledger.customer()
    signing, refused, taken = [old], Counter[str](), Counter[str]()
    over = threading.Event()

    def send() -> None:
        while not over.is_set():
            purchase = Purchase(customer_id=customer_id, amount="50.00", posted_at=days_ago(3))
            body = json.dumps(purchase.posted()).encode()
            for _ in range(MAX_SENDS):
                secret = signing[-1]
                status = ledger.post_standard(body, secret=secret).status_code
                if status == 202:
                    taken[secret] += 1
                    break
                # Not known yet, or no more: the provider delivers it again.
                assert status == 401
                refused[secret] += 1
                time.sleep(0.5)
            else:
                raise AssertionError("never taken")
            time.sleep(0.05)

    with ThreadPoolExecutor(3) as threads:
        senders = [threads.submit(send) for _ in range(3)]
        try:
            time.sleep(1)
            activate(ledger, new, old)
            before = refused.total()
            time.sleep(1)
            assert refused.total() == before, "the old secret is still active"
            signing.append(new)
            time.sleep(REREAD_SECONDS + 1)
            activate(ledger, new)
            time.sleep(1)
        finally:
            over.set()
            activate(ledger, old)
            for each in senders:
                each.result(timeout=60)
            # Every process that refuses the old one now reads the secret again at once.
            time.sleep(REREAD_SECONDS)

    assert min(taken[old], taken[new]) >= 3, taken
    ledger.wait_for_amounts(member_id, pending=3 * taken.total())


# --- Deceived -------------------------------------------------------------------------------


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def claims_of(token: str) -> Json:
    part = token.split(".")[1]
    claims: Json = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def header_of(token: str) -> Json:
    part = token.split(".", maxsplit=1)[0]
    header: Json = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return header


def signed_by_us(header: Json, claims: Json, sign: Callable[[bytes], bytes]) -> str:
    """A token whose signature only we believe in."""
    text = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
    return f"{text}.{encoded(sign(text.encode()))}"


def public_keys(ledger: StackClient) -> list[Json]:
    """The keys of our pool, which everybody may read."""
    url = f"{ledger.stack['endpoint_url']}/{ledger.stack['user_pool_id']}/.well-known/jwks.json"
    keys: list[Json] = httpx.get(url, timeout=30, trust_env=False).json()["keys"]
    return keys


def number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def with_public_key(token: str, key: Json, form: str) -> str:
    """Signed with what everybody knows, as if the verifier would take it for a shared secret."""
    public = rsa.RSAPublicNumbers(e=number(key["e"]), n=number(key["n"])).public_key()
    secret = {
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(key).encode(),
        "modulus": key["n"].encode(),
    }[form]
    header = {**header_of(token), "alg": "HS256"}
    claims = {**claims_of(token), "cognito:groups": ["admin"]}
    return signed_by_us(header, claims, lambda text: hmac.digest(secret, text, "sha256"))


def with_own_key(
    token: str, *, brings_key: bool = False, issuer: str | None = None, **header: object
) -> str:
    """Signed by a key of our own, which the token may bring along; it says to be the pool's."""
    own = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    modulus = own.public_key().public_numbers().n.to_bytes(256)
    key = {"kty": "RSA", "e": "AQAB", "n": encoded(modulus), "kid": header_of(token)["kid"]}
    said = {**header_of(token), **({"jwk": key} if brings_key else {}), **header}
    claims = {**claims_of(token), "cognito:groups": ["admin"]}
    if issuer is not None:
        claims["iss"] = issuer
    return signed_by_us(said, claims, lambda text: own.sign(text, PKCS1v15(), SHA256()))


def test_no_token_but_one_of_our_pool_for_our_clients_is_believed(ledger: StackClient) -> None:
    staff = ledger.stack["users"]["staff"]
    signed_in = ledger.identities.initiate_auth(
        ClientId=ledger.stack["client_id"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": staff["username"], "PASSWORD": staff["password"]},
    )["AuthenticationResult"]
    good = signed_in["IdToken"]
    [key, *_] = [each for each in public_keys(ledger) if each["kid"] == header_of(good)["kid"]]
    header, claims = header_of(good), claims_of(good)
    elsewhere = claims["iss"].replace(ledger.stack["user_pool_id"], "us-east-1_Elsewhere")
    assert elsewhere != claims["iss"]
    forged = {
        **{
            f"alg {alg}": signed_by_us({**header, "alg": alg}, claims, lambda _: b"")
            for alg in ("none", "None", "NONE", "")
        },
        "no alg": signed_by_us({"kid": header["kid"]}, claims, lambda _: b""),
        **{
            f"HS256 with the public key as {form}": with_public_key(good, key, form)
            for form in ("pem", "der", "jwk", "modulus")
        },
        "own key": with_own_key(good),
        "own key in the header": with_own_key(good, brings_key=True),
        "own key elsewhere": with_own_key(good, jku="http://127.0.0.1:9/jwks.json"),
        "own key of another name": with_own_key(good, kid="../../dev/null"),
        "another issuer": with_own_key(good, issuer=elsewhere),
        "another pool": ledger.token_of_another_pool(),
        "access token": signed_in["AccessToken"],
        "refresh token": signed_in["RefreshToken"],
    }
    routes = (("GET", "/members?name=a"), ("GET", "/integrity"), ("POST", "/adjustments"))

    def status(token: str, method: str, path: str) -> int:
        return ledger.http.request(
            method,
            path,
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": unique("key")},
            json={} if method == "POST" else None,
        ).status_code

    answers = {name: [status(token, *route) for route in routes] for name, token in forged.items()}

    assert answers == dict.fromkeys(forged, [401] * len(routes))
    assert [status(good, *route) for route in routes] == [200, 200, 400], "the good one is good"


def test_a_client_without_the_scope_of_a_till_may_do_nothing(ledger: StackClient) -> None:
    member_id = ledger.rich_member(600)
    pool = ledger.stack["user_pool_id"]
    name = unique("partner")
    ledger.identities.create_resource_server(
        UserPoolId=pool,
        Identifier=name,
        Name=name,
        Scopes=[{"ScopeName": "read", "ScopeDescription": "something else"}],
    )
    client = ledger.identities.create_user_pool_client(
        UserPoolId=pool,
        ClientName=name,
        GenerateSecret=True,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=[f"{name}/read"],
    )["UserPoolClient"]
    asked = httpx.post(
        ledger.stack["till"]["token_url"],
        data={"grant_type": "client_credentials", "scope": f"{name}/read"},
        auth=(client["ClientId"], client["ClientSecret"]),
        timeout=30,
        trust_env=False,
    )
    assert asked.status_code == 200, asked.text
    token = asked.json()["access_token"]

    answer = ledger.redeem(member_id, points=500, token=token)

    assert answer.status_code in (401, 403)
    assert ledger.get(f"/members/{member_id}/balance", token=token).status_code in (401, 403)
    assert ledger.amounts(member_id) == (0, 600, 0)
