"""`tunewise serve`: the app in a browser, for whoever has the token; an extra."""

from __future__ import annotations

import re
import secrets
import shlex
import socket
import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import click

from ..workspace.errors import UsageError
from .open import PLACES
from .session import Session, command

if TYPE_CHECKING:
    from aiohttp import web

_COOKIE = "tunewise_token"
_LOOPBACK = "127.0.0.1"
# The page asks for a font from elsewhere; it does without.
_FOREIGN = re.compile(r"<link[^>]*fonts\.googleapis\.com[^>]*>")


@command(
    "serve",
    examples="""\
  tunewise serve                        on this machine only; prints the address with its token
  tunewise serve findings --port 9000
  tunewise serve --host 0.0.0.0         also for others in the network; they need the token
""",
)
@click.argument("place", type=click.Choice(PLACES), default="data")
@click.option("--host", default=_LOOPBACK, show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--public-url", help="How browsers reach it, where that is not HOST and PORT.")
@click.option("--token", help="What opens it, instead of a fresh one (also TUNEWISE_TOKEN).",
              envvar="TUNEWISE_TOKEN")  # fmt: skip
def serve(
    session: Session, place: str, host: str, port: int, public_url: str | None, token: str | None
) -> None:
    """Show the app at PLACE in a browser, by textual-serve.

    Only this machine can reach it unless --host says otherwise, and only who has the token.
    Whoever has it can do what the app can: read the data, start commands.
    """
    session.display.close()
    token = token or secrets.token_urlsafe(24)
    url = public_url or f"http://{_reachable(host)}:{port}"
    words = [sys.executable, "-m", "tunewise.cli", "open", place]
    words += ["--workspace", str(session.workspace.root)]
    server = guarded_server(shlex.join(words), host, port, url, token)
    if not is_loopback(host):
        click.echo("warning: others in the network can reach this, unencrypted", err=True)
    click.echo(f"{url}/?token={token}")
    click.echo("Ctrl-C ends it", err=True)
    sys.stdout.flush()
    server.serve()


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reachable(host: str) -> str:
    """Return how a browser names a host that listens on all addresses."""
    return socket.gethostname() if host in ("0.0.0.0", "::") else host


def guarded_server(words: str, host: str, port: int, url: str, token: str) -> Any:
    """Return a server that shows a command to whoever has the token.

    Raises:
        UsageError: textual-serve is not installed.
    """
    try:
        from textual_serve.server import Server
    except ImportError as error:
        raise UsageError(
            "the app in a browser needs textual-serve",
            fix='install it: pip install "tunewise[serve]"',
        ) from error

    class GuardedServer(Server):
        """Asks for the token before anything else."""

        async def _make_app(self) -> web.Application:
            app = await super()._make_app()
            app.middlewares.append(token_guard(token))
            return app

        async def on_startup(self, app: web.Application) -> None:
            """Say nothing: the address was told."""

        def initialize_logging(self) -> None:
            """Keep requests, which carry the token, out of every log."""

    return GuardedServer(words, host=host, port=port, title="tunewise", public_url=url)


def token_guard(token: str) -> Any:
    """Return what lets only requests with the token through, as a query or as a cookie."""
    from aiohttp import web

    @web.middleware
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        asked = request.query.get("token", "")
        given = asked or request.cookies.get(_COOKIE, "")
        if not secrets.compare_digest(given.encode(), token.encode()):
            return web.Response(status=403, text="the token is missing or wrong\n")
        if asked and request.path == "/":
            # Out of the address line, the history and what a page could send elsewhere.
            answer = web.HTTPFound("/")
            answer.set_cookie(_COOKIE, token, httponly=True, samesite="Strict")
            return answer
        answer = await handler(request)
        if isinstance(answer, web.Response) and request.path == "/" and answer.text:
            answer.text = _FOREIGN.sub("", answer.text)
        return answer

    return guard
