"""Screenshots made small: a palette of at most 256 colours instead of 24 bits a pixel."""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Page

# The browser decodes the picture and finds its colours: the most frequent ones become the
# palette, each of the others the nearest of those.
INDEX = """async (png) => {
  const image = await createImageBitmap(await (await fetch("data:image/png;base64," + png)).blob());
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height).data;
  const counts = new Map();
  for (let at = 0; at < pixels.length; at += 4) {
    const colour = pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2];
    counts.set(colour, (counts.get(colour) || 0) + 1);
  }
  const palette = [...counts.entries()].sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, 256).map((entry) => entry[0]);
  const distance = (a, b) => [16, 8, 0].reduce(
    (sum, shift) => sum + ((a >> shift & 255) - (b >> shift & 255)) ** 2, 0);
  const indices = new Map();
  for (const colour of counts.keys()) {
    let best = 0;
    palette.forEach((one, index) => {
      if (distance(one, colour) < distance(palette[best], colour)) best = index;
    });
    indices.set(colour, best);
  }
  let text = "";
  for (let at = 0; at < pixels.length; at += 4)
    text += String.fromCharCode(
      indices.get(pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2]));
  return {width: image.width, height: image.height, palette, indices: btoa(text)};
}"""


def small(png: bytes, page: Page) -> bytes:
    """The picture as a PNG with a palette; `page` is any empty page, which does the counting."""
    found = page.evaluate(INDEX, base64.b64encode(png).decode())
    width, height, rows = found["width"], found["height"], base64.b64decode(found["indices"])
    lines = b"".join(b"\0" + rows[at : at + width] for at in range(0, len(rows), width))
    palette = b"".join(colour.to_bytes(3, "big") for colour in found["palette"])
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", palette),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
