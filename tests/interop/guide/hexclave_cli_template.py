"""What the guide's code for command lines wants beside it: a login in the browser, and requests to the API."""

import time
import webbrowser

import requests

project = {}


def hexclave_request(method, path, headers=None, **options):
    ours = {
        "x-hexclave-access-type": "client",
        "x-hexclave-project-id": project["project_id"],
        "x-hexclave-publishable-client-key": project["publishable_client_key"],
    }
    response = requests.request(
        method, project["base_url"] + path, headers={**ours, **(headers or {})}, timeout=30, **options
    )
    response.raise_for_status()
    return response.json()


def prompt_cli_login(*, app_url, project_id, publishable_client_key):
    project.update(project_id=project_id, publishable_client_key=publishable_client_key)
    login = hexclave_request("post", "/api/v1/auth/cli", json={"expires_in_millis": 120_000})
    webbrowser.open(f"{app_url}/handler/cli-auth-confirm?login_code={login['login_code']}")
    while True:
        answer = hexclave_request("post", "/api/v1/auth/cli/poll", json={"polling_code": login["polling_code"]})
        if answer["status"] == "success":
            return answer["refresh_token"]
        if answer["status"] != "waiting":
            return None
        time.sleep(0.05)
