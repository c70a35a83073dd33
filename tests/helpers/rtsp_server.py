"""A small RTSP server, which plays MPEG-TS on every connection and then drops it."""

import socketserver
import struct
import time
from collections.abc import Sequence

PACKET = 188
"""Bytes of a packet of MPEG-TS."""

PACKETS_AT_ONCE = 7
"""Packets of MPEG-TS in one packet of RTP."""

PAYLOAD_TYPE = 33
"""MPEG-TS in RTP (RFC 3551)."""

DESCRIPTION = f"""v=0\r
o=- 0 0 IN IP4 127.0.0.1\r
s=test\r
t=0 0\r
m=video 0 RTP/AVP {PAYLOAD_TYPE}\r
a=control:track\r
"""

ANSWERS = {
    "OPTIONS": ("Public: OPTIONS, DESCRIBE, SETUP, PLAY", ""),
    "DESCRIBE": ("Content-Type: application/sdp", DESCRIPTION),
    # The packets come on the same connection, each after its length (RFC 2326, 10.12).
    "SETUP": ("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1", ""),
    "PLAY": ("Session: 1", ""),
}


class RtspServer(socketserver.ThreadingTCPServer):
    """Serves a stream on a free port of 127.0.0.1.

    Args:
        parts: The MPEG-TS of each frame.
        most: Number of connections after which it refuses further ones.
    """

    daemon_threads = True

    def __init__(self, parts: Sequence[bytes], most: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.parts = parts
        self.connections_left = most

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self.server_address[1]}/stream"


class _Connection(socketserver.StreamRequestHandler):
    server: RtspServer

    def handle(self) -> None:
        if not self.server.connections_left:
            return
        self.server.connections_left -= 1
        while request := self.rfile.readline().decode():
            method = request.split()[0]
            number = ""
            while (line := self.rfile.readline().decode().strip()) != "":
                number = line if line.lower().startswith("cseq") else number
            header, body = ANSWERS[method]
            answer = f"RTSP/1.0 200 OK\r\n{number}\r\n{header}\r\n"
            self.wfile.write(f"{answer}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            if method == "PLAY":
                self._play()
                return

    def _play(self) -> None:
        number = 0
        for frame, data in enumerate(self.server.parts):
            for at in range(0, len(data), PACKET * PACKETS_AT_ONCE):
                payload = data[at : at + PACKET * PACKETS_AT_ONCE]
                packet = struct.pack(">BBHII", 0x80, PAYLOAD_TYPE, number, frame * 3600, 1)
                self.wfile.write(struct.pack(">cBH", b"$", 0, len(packet + payload)))
                self.wfile.write(packet + payload)
                number += 1
            time.sleep(0.02)
