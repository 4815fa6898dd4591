"""PyJWT. Reads one line of JSON (tokens, the address of the keys), then runs a round for each line `case seconds`."""

import json
import sys
import time

import jwt

BATCH = 32
setting = json.loads(sys.stdin.readline())
tokens, audience, issuer = setting["tokens"], setting["aud"], setting["iss"]
client = jwt.PyJWKClient(setting["jwks_url"])
key_in_hand = client.get_signing_key_from_jwt(tokens[0]).key


def guide(token):
    """As Hexclave's guide has it; the client asks for the keys once in five minutes."""
    signing_key = client.get_signing_key_from_jwt(token)
    return jwt.decode(token, signing_key.key, algorithms=["ES256"], audience=audience)


def key_given(token):
    return jwt.decode(token, key_in_hand, algorithms=["ES256"], audience=audience, issuer=issuer)


cases = {"pyjwt": guide, "pyjwt-key": key_given}


def measure(operation, seconds):
    count = 0
    cpu = time.process_time()
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        for _ in range(BATCH):
            assert operation(tokens[count % len(tokens)])["sub"]
            count += 1
    return {"count": count, "wall": time.perf_counter() - start, "cpu": time.process_time() - cpu}


print("ready", flush=True)
for line in sys.stdin:
    name, seconds = line.split()
    print(json.dumps(measure(cases[name], float(seconds))), flush=True)
