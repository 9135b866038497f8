"""Files that a person's disk may hold and no decoder expects, the same for a seed."""

from __future__ import annotations

import io
import os
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms
from pillow_heif import from_pillow

MOV = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x08mdat" + bytes(range(256)) * 8


def scene(width: int = 48, height: int = 32) -> np.ndarray:
    """A smooth colour picture, no two corners alike, that survives lossy formats."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    pixels = np.stack([40 + 200 * x, 30 + 180 * y, 220 - 150 * x * y], axis=-1)
    return pixels.round().astype(np.uint8)


def encode(image: Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    """The bytes of a file."""
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    file = io.BytesIO()
    if kind == "HEIF":
        from_pillow(image).save(file, **options)
    else:
        image.save(file, kind, **options)
    return file.getvalue()


def frames(kind: str, **options: object) -> bytes:
    """An animation, or a file of several pages: the first is the scene, others are plain."""
    others = [Image.new("RGB", (48, 32), colour) for colour in ("blue", "lime")]
    return encode(scene(), kind, save_all=True, append_images=others, **options)


def rotated(kind: str, orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(scene(), kind, exif=exif.tobytes())


def seeds() -> dict[str, bytes]:
    """A small good file of every format and variant, by a name with the usual suffix."""
    image = Image.fromarray(scene())
    clear = np.dstack([scene(), np.tile(np.linspace(0, 255, 48, dtype=np.uint8), (32, 1))])
    deep = (scene()[..., 0].astype(np.uint16) * 257) ^ 3
    palette = image.convert("P")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {
        "plain.jpg": encode(image, "JPEG"),
        "progressive.jpg": encode(image, "JPEG", progressive=True),
        "cmyk.jpg": encode(image.convert("CMYK"), "JPEG"),
        "grey.jpg": encode(image.convert("L"), "JPEG"),
        "rotated.jpg": rotated("JPEG"),
        "profile.jpg": encode(image, "JPEG", icc_profile=profile),
        "two.mpo.jpg": encode(image, "MPO", save_all=True, append_images=[image]),
        "plain.png": encode(image, "PNG"),
        "palette.png": encode(palette, "PNG", transparency=3),
        "deep.png": encode(Image.fromarray(deep), "PNG"),
        "clear.png": encode(clear, "PNG"),
        "one-bit.png": encode(image.convert("1"), "PNG"),
        "animated.png": frames("PNG"),
        "profile.png": encode(image, "PNG", icc_profile=profile),
        "plain.gif": encode(palette, "GIF"),
        "animated.gif": frames("GIF"),
        "clear.gif": encode(palette, "GIF", transparency=1),
        "plain.webp": encode(image, "WEBP"),
        "lossless.webp": encode(clear, "WEBP", lossless=True),
        "animated.webp": frames("WEBP"),
        "plain.avif": encode(image, "AVIF"),
        "animated.avif": frames("AVIF"),
        "plain.heic": encode(image, "HEIF"),
        "rotated.heic": rotated("HEIF"),
        "plain.tif": encode(image, "TIFF"),
        "lzw.tif": encode(image, "TIFF", compression="tiff_lzw"),
        "deflate.tif": encode(clear, "TIFF", compression="tiff_adobe_deflate"),
        "jpeg.tif": encode(image, "TIFF", compression="jpeg"),
        "fax.tif": encode(image.convert("1"), "TIFF", compression="group4"),
        "deep.tif": encode(Image.fromarray(deep), "TIFF"),
        "float.tif": encode(Image.fromarray(deep.astype(np.float32)), "TIFF"),
        "pages.tif": frames("TIFF"),
        "lab.tif": encode(image.convert("RGB").convert("CMYK"), "TIFF"),
        "plain.bmp": encode(image, "BMP"),
        "palette.bmp": encode(palette, "BMP"),
        "plain.ppm": encode(image, "PPM"),
        "plain.tga": encode(image, "TGA"),
        "packed.tga": encode(image, "TGA", compression="tga_rle"),
        "plain.jp2": encode(image, "JPEG2000"),
        "icon.png": encode(image, "ICO", sizes=[(32, 32), (16, 16)]),
        "paint.bmp": encode(image, "PCX"),
        "texture.png": encode(image, "DDS"),
        "silicon.jpg": encode(image, "SGI"),
    }  # fmt: skip


Mutation = Callable[[bytes, np.random.Generator], bytes]


def cut(data: bytes, random: np.random.Generator) -> bytes:
    return data[: int(random.integers(0, len(data)))]


def flip_bits(data: bytes, random: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for place in random.integers(0, len(data), int(random.integers(1, 9))):
        changed[place] ^= 1 << int(random.integers(8))
    return bytes(changed)


def flip_head(data: bytes, random: np.random.Generator) -> bytes:
    """Most of what a parser believes stands at the beginning."""
    head = min(len(data), 160)
    return flip_bits(data[:head], random) + data[head:]


def change_number(data: bytes, random: np.random.Generator) -> bytes:
    """Put a number there that is often one too many: sizes, counts and offsets among them."""
    width = int(random.choice([1, 2, 4]))
    values = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
    value = int(random.choice(values)) % (1 << 8 * width)
    place = int(random.integers(0, max(1, min(len(data) - width, 400))))
    number = value.to_bytes(width, ("big", "little")[int(random.integers(2))])
    return data[:place] + number + data[place + width :]


def repeat(data: bytes, random: np.random.Generator) -> bytes:
    start, length = int(random.integers(0, len(data))), int(random.integers(1, 200))
    return data[: start + length] + data[start : start + length] * 3 + data[start + length :]


def remove(data: bytes, random: np.random.Generator) -> bytes:
    start = int(random.integers(0, len(data)))
    return data[:start] + data[start + int(random.integers(1, 64)) :]


def zero(data: bytes, random: np.random.Generator) -> bytes:
    start, length = int(random.integers(0, len(data))), int(random.integers(1, 200))
    return data[:start] + bytes(min(length, len(data) - start)) + data[start + length :]


def append_noise(data: bytes, random: np.random.Generator) -> bytes:
    return data + random.bytes(int(random.integers(1, 5000)))


MUTATIONS: tuple[Mutation, ...] = (
    cut, flip_bits, flip_head, change_number, repeat, remove, zero, append_noise,
)  # fmt: skip


def splice(first: bytes, second: bytes, random: np.random.Generator) -> bytes:
    """The beginning of one file and the end of another."""
    at, on = int(random.integers(0, len(first))), int(random.integers(0, len(second)))
    return first[:at] + second[on:]


def mutants(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Give damaged files, as many of every format, under names of their own."""
    random, good = np.random.default_rng(seed), seeds()
    names = list(good)
    for number in range(count):
        name = names[number % len(names)]
        data = good[name]
        for _ in range(int(random.integers(1, 4))):
            mutation = MUTATIONS[int(random.integers(len(MUTATIONS)))]
            data = mutation(data, random) or b"\0"
        if random.random() < 0.1:
            data = splice(data, good[names[int(random.integers(len(names)))]], random) or b"\0"
        yield f"{number:04}-{name}", data


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, data: bytes | None = None) -> bytes:
    """A grey PNG that claims a size, with chunks before its pixels."""
    header = png_chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0))
    pixels = bytes((width + 1) * height) if data is None else data
    end = png_chunk(b"IDAT", zlib.compress(pixels, 9)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + end


def bombs() -> dict[str, tuple[bytes, str | None]]:
    """Small files that want much memory or time; each with what its reason has to say, if any."""
    zeros = zlib.compress(bytes(80_000_000), 9)
    strips = Image.new("1", (30_000, 5_900))
    gif = encode(Image.new("P", (1, 1)), "GIF")
    return {
        "claims-60000.png": (png(60_000, 60_000, data=b""), "claims"),
        "claims-15000.png": (png(15_000, 15_000, data=b""), "claims"),
        "claims-all.bmp": (_bmp(2**31 - 1, 2**31 - 1), "claims"),
        "claims-much.gif": (gif[:6] + struct.pack("<2H", 65535, 65535) + gif[10:], "claims"),
        "claims-all.ppm": (b"P6 99999 99999 255\n" + bytes(100), "claims"),
        "text.png": (png(8, 8, png_chunk(b"zTXt", b"a\0\0" + zeros)), "unpacks to too much"),
        "profile.png": (png(8, 8, png_chunk(b"iCCP", b"a\0\0" + zeros)), None),
        "unicode.png": (png(8, 8, png_chunk(b"iTXt", b"a\0\1\0\0\0" + zeros)), "unpacks"),
        "black.png": (encode(Image.new("L", (12_000, 12_000)), "PNG"), ""),
        "strips.tif": (encode(strips, "TIFF", compression="tiff_adobe_deflate"), ""),
        "frames.gif": (frames("GIF", duration=1, loop=0) * 40, ""),
    }  # fmt: skip


def _bmp(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info


def oddities() -> dict[str, tuple[bytes, str | None]]:
    """Files of people's disks: what the reason says, "" for a good picture, None for either."""
    good = seeds()
    exif_and_box = rotated("HEIF")
    return {
        "empty.jpg": (b"", "empty"),
        "one-byte.png": (b"\x89", "known format"),
        "text.jpg": (b"these are words, not a picture\n" * 20, "known format"),
        "page.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", "known format"),
        "postscript.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "known format"),
        "document.png": (b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", "known format"),
        "fork.jpg": (b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X" + bytes(80), "Mac"),
        "movie.heic": (MOV, "known format"),
        "png-inside.jpg": (good["plain.png"], ""),
        "jpeg-inside.heic": (good["plain.jpg"], ""),
        "heic-inside.jpg": (good["plain.heic"], ""),
        "webp-inside.PNG": (good["plain.webp"], ""),
        "tiny.png": (encode(Image.new("RGB", (1, 1)), "PNG"), ""),
        "tiny.gif": (encode(Image.new("P", (1, 1)), "GIF"), ""),
        "flat.png": (encode(Image.new("RGB", (30_000, 20)), "PNG"), ""),
        "tall.jpg": (encode(Image.new("RGB", (20, 30_000)), "JPEG"), ""),
        "motion-google.jpg": (good["plain.jpg"] + MOV, ""),
        "motion-samsung.jpg": (
            good["plain.jpg"] + b"\x00\x00\x30\x0a\x10\x00\x00\x00MotionPhoto_Data" + MOV + b"SEFT",
            "",
        ),
        "motion.heic": (good["plain.heic"] + struct.pack(">I", 8 + len(MOV)) + b"mpvd" + MOV, ""),
        "turned.heic": (exif_and_box, ""),
        "float-nan.tif": (encode(Image.fromarray(np.full((8, 8), np.nan, np.float32)), "TIFF"), ""),
        "zero-wide.png": (png(0, 8, data=b""), "known format"),
    }  # fmt: skip


ODD_NAMES = (
    *("katze 猫.png", "صورة.png", "ภาพถ่าย.png", "👨\u200d👩\u200d👧.png", "Ä.png", "A\u0308.png"),
    *("a#1.png", "50%.png", "'quote\".png", "two\nlines.png", "\x1b[31mred.png", "tab\there.png"),
    *("back\\slash.png", "literal\\xe9.png", "-rf.png", "~.png", "$HOME.png", " blanks .png"),
    *("[red]markup[bold].png", "<script>alert(1)<b>.png", "a\u2028b.png", "\u202egnp.exe.png"),
    "n" * 251 + ".png",
)
ODD_BYTES = (
    *(b"caf\xe9.png", b"\xff\xfe.png", b"\xe7\x8c.png", b"a\x80\xc3\xa9.png", b"\\xe9\xe9.png"),
)


def write_strange(root: Path) -> dict[str, str]:
    """Write what is no regular file of its own bytes; return the names with their reasons."""
    (root / "folder.jpg").mkdir()
    (root / "folder.jpg" / "inside.png").write_bytes(seeds()["plain.png"])
    (root / "loop").symlink_to(root)
    (root / "self.jpg").symlink_to(root / "self.jpg")
    (root / "gone.jpg").symlink_to(root / "nowhere.jpg")
    (root / "zeros.jpg").symlink_to("/dev/zero")
    os.mkfifo(root / "pipe.jpg")
    with (root / "sparse.png").open("wb") as file:
        file.truncate(10_000_000_000)
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(root)  # the name of a socket must be short
        try:
            one.bind("socket.png")
        finally:
            os.chdir(here)
    return {
        "self.jpg": "leads nowhere",
        "gone.jpg": "leads nowhere",
        "zeros.jpg": "not a regular file",
        "pipe.jpg": "not a regular file",
        "socket.png": "not a regular file",
        "sparse.png": "10 GB large",
    }


def write_passed_over(root: Path) -> None:
    """Write what systems keep beside a person's pictures."""
    picture = seeds()["plain.jpg"]
    for name in ("._IMG.jpg", ".DS_Store", "Thumbs.db", "__MACOSX/._IMG.jpg", "__MACOSX/IMG.jpg",
                 "@eaDir/IMG.jpg/SYNOPHOTO_THUMB_XL.jpg", "$RECYCLE.BIN/IMG.jpg",
                 "#recycle/IMG.jpg", "desktop.ini"):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(picture)


def write_corpus(root: Path, count: int = 240, seed: int = 0) -> dict[str, str | None]:
    """Write hostile files of every sort.

    Returns:
        Of each handmade file, by its path on the disk, what its reason must say: "" for a picture
        that has to be taken, None for either. What is not in it may be either, too.
    """
    wanted: dict[str, str | None] = {}
    for folder in ("mutants", "good", "bombs", "odd", "names", "strange", "passed over"):
        (root / folder).mkdir(parents=True)
    for name, data in mutants(count, seed):
        (root / "mutants" / name).write_bytes(data)
        wanted[f"mutants/{name}"] = None
    for name, data in seeds().items():
        (root / "good" / name).write_bytes(data)
        wanted[f"good/{name}"] = ""
    for folder, files in (("bombs", bombs()), ("odd", oddities())):
        for name, (data, reason) in files.items():
            (root / folder / name).write_bytes(data)
            wanted[f"{folder}/{name}"] = reason
    for number, name in enumerate([*ODD_NAMES, *map(os.fsdecode, ODD_BYTES)]):
        pixels = np.roll(scene(), number, axis=1)
        (root / "names" / name).write_bytes(encode(pixels, "PNG"))
        wanted[f"names/{name}"] = ""
    wanted |= {f"strange/{name}": why for name, why in write_strange(root / "strange").items()}
    wanted["strange/folder.jpg/inside.png"] = ""
    write_passed_over(root / "passed over")
    return wanted
