"""A video gateway to try cameras with: a live picture for any code, with the code and a clock, made as it is asked for.

    python -m data_samples.test_stream --port 8090
    CIM_VIDEO_GATEWAY=http://127.0.0.1:8090/live/{code}/index.m3u8 ./run demo

It serves HLS as gateways do: a playlist of the last seconds, segments of MPEG-TS. The picture says it is synthetic.
"""

import argparse
import re
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from data_samples.test_video import TICKS_S, Bytes8, coded, transport

WIDTH, HEIGHT = 320, 192
FRAMES_S, SEGMENT_S, LISTED, KEPT = 5, 2, 4, 12
BEIJING = timezone(timedelta(hours=8))
FONTS = ("NotoSansCJK-Regular.ttc", "NotoSerifCJK-Regular.ttc")
_PLAYLIST = re.compile(r"/live/([0-9A-Za-z-]{1,40})/index\.m3u8")
_SEGMENT = re.compile(r"/live/([0-9A-Za-z-]{1,40})/(\d{1,12})\.ts")


def playlist(now_s: float) -> str:
    """The last whole segments at a moment (seconds since 1970)."""
    newest = int(now_s // SEGMENT_S) - 1
    numbers = range(newest - LISTED + 1, newest + 1)
    began = datetime.fromtimestamp(numbers[0] * SEGMENT_S, UTC).isoformat(timespec="milliseconds")
    head = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{SEGMENT_S}", f"#EXT-X-MEDIA-SEQUENCE:{numbers[0]}"]
    lines = [line for number in numbers for line in (f"#EXTINF:{SEGMENT_S:.3f},", f"{number}.ts")]
    return "\n".join([*head, f"#EXT-X-PROGRAM-DATE-TIME:{began}", *lines]) + "\n"


@lru_cache(maxsize=64)
def segment(code: str, number: int) -> bytes:
    """One segment of a code's picture: what the clock showed in those seconds."""
    count = FRAMES_S * SEGMENT_S
    frames = [picture(code, number * SEGMENT_S + place / FRAMES_S) for place in range(count)]
    return transport(coded(frames, number), number * SEGMENT_S * TICKS_S, TICKS_S // FRAMES_S)


def picture(code: str, at_s: float) -> Bytes8:
    """The picture of a code at a moment: height by width by 3, YCbCr."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "#16324a")
    draw = ImageDraw.Draw(image)
    moment = datetime.fromtimestamp(at_s, BEIJING)
    small, large, han = _fonts()
    draw.rectangle((0, 0, WIDTH, 31), fill="#a33c12")
    draw.text((WIDTH // 2, 16), _WORDS[han], fill="#ffffff", font=small, anchor="mm")
    draw.text((WIDTH // 2, 56), code, fill="#ffe08a", font=small, anchor="mm")
    draw.text((WIDTH // 2, 88), f"{moment:%Y-%m-%d}", fill="#d7e6f0", font=small, anchor="mm")
    draw.text(
        (WIDTH // 2, 122), f"{moment:%H:%M:%S}.{moment.microsecond // 100_000}", fill="#ffffff", font=large, anchor="mm"
    )
    reached = int((at_s % 10) / 10 * (WIDTH - 16))
    draw.rectangle((reached, 160, reached + 15, 175), fill="#57c98a")
    return np.asarray(image.convert("YCbCr"), dtype=np.uint8)


_WORDS = {True: "合成画面 SYNTHETIC", False: "SYNTHETIC TEST PICTURE"}


@lru_cache(maxsize=1)
def _fonts() -> tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, ImageFont.FreeTypeFont | ImageFont.ImageFont, bool]:
    """A small and a large font, and whether they have Chinese letters."""
    for name in FONTS:
        try:
            return ImageFont.truetype(name, 18), ImageFont.truetype(name, 36), True
        except OSError:
            continue
    return ImageFont.load_default(18), ImageFont.load_default(36), False


class Answers(BaseHTTPRequestHandler):
    """Playlists and segments of the last seconds; nothing else."""

    def do_GET(self) -> None:
        """Answer one request."""
        newest = int(time.time() // SEGMENT_S)
        if _PLAYLIST.fullmatch(self.path):
            self._send("application/vnd.apple.mpegurl", playlist(time.time()).encode())
        elif (asked := _SEGMENT.fullmatch(self.path)) and newest - KEPT <= int(asked[2]) < newest:
            self._send("video/mp2t", segment(asked[1], int(asked[2])))
        else:
            self.send_error(404)

    def _send(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def gateway(port: int = 0, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """The gateway, listening; ``serve_forever`` runs it."""
    server = ThreadingHTTPServer((host, port), Answers)
    server.daemon_threads = True
    return server


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m data_samples.test_stream", description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--host", default="127.0.0.1")
    chosen = parser.parse_args()
    server = gateway(chosen.port, chosen.host)
    sys.stdout.write(f"CIM_VIDEO_GATEWAY=http://{chosen.host}:{server.server_port}/live/{{code}}/index.m3u8\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
