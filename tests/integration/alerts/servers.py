"""Servers that take alerts, for the tests: a web server, and a mail server by aiosmtpd. What they get they print, a JSON
document a line, behind a line that says that they listen."""

import http.server
import json
import ssl
import sys
import threading


def tell(what):
    print(json.dumps(what), flush=True)


def tls(files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


def web(port, status, *files):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            kind, agent = self.headers.get("Content-Type"), self.headers.get("User-Agent")
            tell({"path": self.path, "kind": kind, "agent": agent, "body": body})
            self.send_response(int(status))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    if files:
        server.socket = tls(files).wrap_socket(server.socket, server_side=True)
    tell({"listens": True})
    server.serve_forever()


def mail(port, security, user, password, *files):
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    class Handler:
        async def handle_DATA(self, server, session, envelope):
            message = envelope.content.decode()
            secure = session.ssl is not None or security == "tls"
            tell({"from": envelope.mail_from, "to": envelope.rcpt_tos, "message": message, "secure": secure})
            return "250 taken"

    def authenticate(server, session, envelope, mechanism, data):
        good = (data.login.decode(), data.password.decode()) == (user, password)
        return AuthResult(success=good, handled=False)

    ways = {"starttls": {"tls_context": tls(files), "require_starttls": True}, "tls": {"ssl_context": tls(files)}}
    controller = Controller(
        Handler(),
        hostname="127.0.0.1",
        port=int(port),
        authenticator=authenticate,
        auth_required=True,
        auth_require_tls=security == "starttls",
        **ways[security],
    )
    controller.start()
    tell({"listens": True})
    threading.Event().wait()


{"web": web, "mail": mail}[sys.argv[1]](*sys.argv[2:])
