# The guide's code for "Verify with JWT" as it stands, but for the host of the API.
import os
import jwt
from jwt import PyJWKClient
from jwt.exceptions import InvalidTokenError

jwks_client = PyJWKClient(
    f"{os.environ['HEXCLAVE_API_URL']}/api/v1/projects/{os.environ['HEXCLAVE_PROJECT_ID']}/.well-known/jwks.json"
)


def get_current_user_id_from_jwt(request):
    access_token = request.headers.get("x-stack-access-token")
    if not access_token:
        return None
    try:
        signing_key = jwks_client.get_signing_key_from_jwt(access_token)
        payload = jwt.decode(
            access_token,
            signing_key.key,
            algorithms=["ES256"],
            audience=os.environ["HEXCLAVE_PROJECT_ID"],
        )
        return payload["sub"]
    except InvalidTokenError:
        return None
