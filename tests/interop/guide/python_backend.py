"""A Python backend by the guide: whom it sees in requests, by a token alone and by asking the API."""

import os
from dataclasses import dataclass

from program import run


@dataclass
class Request:
    headers: dict[str, str]


def main(document):
    os.environ["HEXCLAVE_API_URL"] = document["baseUrl"]
    os.environ["HEXCLAVE_PROJECT_ID"] = document["projectId"]
    os.environ["HEXCLAVE_SECRET_SERVER_KEY"] = document["secretServerKey"]
    # The guide's modules read these variables when they are loaded.
    from verify_with_jwt import get_current_user_id_from_jwt
    from verify_with_rest import get_current_hexclave_user

    return [
        {
            "jwt": outcome(get_current_user_id_from_jwt, headers),
            "rest": outcome(get_current_hexclave_user, headers),
        }
        for headers in document["requests"]
    ]


def outcome(find_user, headers):
    try:
        return {"user": find_user(Request(headers))}
    except Exception as error:
        return {"raises": type(error).__name__}


run(main)
