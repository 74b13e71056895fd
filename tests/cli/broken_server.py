"""A web server that answers badly, for apps_fetch: broken_server.py FILE. Writes its port, and one where nobody listens,
to FILE, and serves until it is killed. What a path asks for: do_GET()."""
import collections
import http.server
import os
import socket
import struct
import sys
import time

asked = collections.Counter()  # how often each path was asked for


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, length=None):
        self.send_response(status)
        self.send_header("Content-Length", len(body) if length is None else length)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self):
        self.wfile.flush()
        self.close_connection = True

    def do_GET(self):
        what, *rest = self.path.strip("/").split("/")
        asked[self.path] += 1
        first = bool(rest) and asked[self.path] <= int(rest[0])  # /what/N/name is bad N times, then good
        if rest and not first:
            self.answer(200, b"good at last: " + rest[-1].encode())
        elif what in ("busy", "often"):
            self.answer(503 if what == "busy" else 429, b"not now")
        elif what == "cut":
            self.answer(200, b"half" * 1000, 100000)
            self.hang_up()
        elif what == "chunks":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"1000\r\nhalf a chunk")
            self.hang_up()
        elif what == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
        elif what == "nothing":
            self.hang_up()
        elif what == "hang":
            time.sleep(60)
            self.hang_up()
        elif what == "large-error":
            self.answer(404, b"x" * 5000000)
        else:
            self.answer(200, b"good")

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # whoever asked has left

    def finish(self):
        try:
            super().finish()
        except (OSError, ValueError):
            pass  # it is closed already


def main():
    http.server.ThreadingHTTPServer.daemon_threads = True
    http.server.ThreadingHTTPServer.request_queue_size = 128  # or connections that come at once wait for a second
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))  # and never listens
    with open(sys.argv[1] + ".part", "w", encoding="ascii") as file:
        file.write("%d %d\n" % (server.server_port, silent.getsockname()[1]))
    os.rename(sys.argv[1] + ".part", sys.argv[1])
    server.serve_forever()


main()
