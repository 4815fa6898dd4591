"""A command line by the guide. The browser is played by a function that submits the form of the page that it is shown."""

import webbrowser

import requests

import hexclave_cli_template
from hexclave_cli_template import hexclave_request, prompt_cli_login
from program import run


def get_access_token(refresh_token):
    access_token_response = hexclave_request(
        "post",
        "/api/v1/auth/sessions/current/refresh",
        headers={
            "x-hexclave-refresh-token": refresh_token,
        },
    )
    return access_token_response["access_token"]


def get_user_object(access_token):
    return hexclave_request(
        "get",
        "/api/v1/users/me",
        headers={
            "x-hexclave-access-token": access_token,
        },
    )


def main(document):
    hexclave_cli_template.project["base_url"] = document["baseUrl"]
    opened = []

    def confirm(url):
        page, _, login_code = url.partition("?login_code=")
        opened.append(page)
        form = {"login_code": login_code, "user": document["userId"]}
        answer = requests.post(page, data=form, headers={"origin": document["baseUrl"]}, timeout=30)
        answer.raise_for_status()

    webbrowser.open = confirm
    refresh_token = prompt_cli_login(
        app_url=document["baseUrl"],
        project_id=document["projectId"],
        publishable_client_key=document["publishableClientKey"],
    )
    access_token = get_access_token(refresh_token)
    user = get_user_object(access_token)
    name = user["display_name"] or user["primary_email"]
    return {"opened": opened, "accessToken": access_token, "name": name}


run(main)
