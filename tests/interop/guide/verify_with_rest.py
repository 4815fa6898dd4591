# The guide's code for "Verify with the Hexclave REST endpoint" as it stands, but for the host of the API.
import os
import requests


def get_current_hexclave_user(request):
    access_token = request.headers.get("x-stack-access-token")
    if not access_token:
        return None
    response = requests.get(
        f"{os.environ['HEXCLAVE_API_URL']}/api/v1/users/me",
        headers={
            "x-stack-access-type": "server",
            "x-stack-project-id": os.environ["HEXCLAVE_PROJECT_ID"],
            "x-stack-secret-server-key": os.environ["HEXCLAVE_SECRET_SERVER_KEY"],
            "x-stack-access-token": access_token,
        },
        timeout=10,
    )
    if response.status_code == 200:
        return response.json()
    return None
