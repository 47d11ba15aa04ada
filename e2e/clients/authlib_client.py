"""A client made of Authlib, as its integrations of web frameworks are. See driver.ts."""

import json
import os
import sys
import time
from urllib.parse import parse_qsl, urlsplit

from authlib.integrations.base_client import (
    BaseApp,
    FrameworkIntegration,
    OAuth2Mixin,
    OAuthError,
    OpenIDMixin,
)
from authlib.integrations.requests_client import OAuth2Session

PAUSE = 0.1  # seconds between two calls of the API


class App(OAuth2Mixin, OpenIDMixin, BaseApp):
    client_cls = OAuth2Session


settings = os.environ
client = {
    'client_id': settings['CLIENT_ID'],
    'client_secret': settings.get('CLIENT_SECRET'),
}
options = {
    'scope': settings['SCOPE'],
    'code_challenge_method': 'S256',
    'token_endpoint_auth_method': settings.get('TOKEN_ENDPOINT_AUTH_METHOD', 'none'),
    # Otherwise it refreshes by itself before each call: the tokens of the test are short-lived.
    'leeway': 0,
}
app = App(
    FrameworkIntegration('drawbridge'),
    name='drawbridge',
    server_metadata_url=settings['ISSUER'] + '/.well-known/openid-configuration',
    client_kwargs=options,
    **client,
)
browser = {}  # what a web framework would keep in the session of this browser


def say(**line):
    print(json.dumps(line), flush=True)


def open_in_browser(url):
    say(open=url)
    return dict(parse_qsl(urlsplit(json.loads(input())['callback']).query))


def redeem(answer):
    if 'error' in answer:
        raise OAuthError(answer['error'], answer.get('error_description'))
    begun = app.framework.get_state_data(browser, answer['state'])
    if begun is None or answer['iss'] != settings['ISSUER']:  # Authlib leaves `iss` to the app.
        raise ValueError('Nobody asked for this answer.')
    token = app.fetch_access_token(
        redirect_uri=settings['REDIRECT_URI'],
        code_verifier=begun['code_verifier'],
        code=answer['code'],
    )
    return token, app.parse_id_token(token, nonce=begun['nonce'])


def refresh(token):
    with OAuth2Session(**client, **options) as session:
        return session.refresh_token(
            app.server_metadata['token_endpoint'], refresh_token=token['refresh_token']
        )


def refusal(act, *args):
    try:
        act(*args)
    except OAuthError as error:
        return error.error
    raise RuntimeError('This should have been refused.')


def main():
    begun = app.create_authorization_url(settings['REDIRECT_URI'])
    app.framework.set_state_data(browser, begun['state'], begun)
    answer = open_in_browser(begun['url'])
    if 'error' in answer:
        say(failed=refusal(redeem, answer))
        return
    token, claims = redeem(answer)
    say(signed_in=claims)
    if 'REDEEM_TWICE' in settings:
        say(failed=refusal(redeem, answer))
        say(refused=refusal(refresh, token))
        return
    say(userinfo=app.userinfo(token=token))
    say(called={'status': app.get(settings['API'], token=token).status_code})

    id_token = token['id_token']
    before, token = token, refresh(token)
    say(refreshed={'rotated': token['refresh_token'] != before['refresh_token']})
    say(called={'status': app.get(settings['API'], token=token).status_code})

    end = app.create_logout_url(settings['POST_LOGOUT_REDIRECT_URI'], id_token_hint=id_token)
    if open_in_browser(end['url'])['state'] != end['state']:
        raise ValueError('Somebody else signed out.')
    say(refused=refusal(refresh, token))
    # The gate hears of it a moment later: there is nothing to wait for but its answer.
    while (status := app.get(settings['NOTHING'], token=token).status_code) == 404:
        time.sleep(PAUSE)
    say(called={'status': status})


sys.exit(main())
