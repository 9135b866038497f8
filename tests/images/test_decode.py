from __future__ import annotations

import io
import struct
import subprocess
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hostile_files import MOV, seeds
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin
from pillow_heif import from_pillow

from lookalike.errors import PictureError
from lookalike.images import ImageSpec, decode, opening, thumbnail
from lookalike.images.limits import IntakeLimits

RGB = ImageSpec(32, 48, 3)
GREY = ImageSpec(32, 48, 1)


HEIC = io.BytesIO()
from_pillow(Image.new("RGB", (48, 32))).save(HEIC)
HEIC = HEIC.getvalue()


def encode(image, kind, **options):
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def far(first, second):
    return np.abs(first.astype(int) - second.astype(int)).max()


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("PPM", {}, 0),
        ("JPEG", {"quality": 95, "subsampling": 0}, 6),
        ("AVIF", {"quality": 95}, 12),
        ("GIF", {}, 40),
    ],
)
def test_reads_every_format(photo, kind, options, tolerance):
    decoded = decode(encode(photo, kind, **options), RGB)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.shape == (32, 48, 3)
    assert (decoded.width, decoded.height) == (48, 32)
    assert far(decoded.pixels, photo) <= tolerance


def test_reads_heic(photo):
    file = io.BytesIO()
    from_pillow(Image.fromarray(photo)).save(file, quality=95)
    assert far(decode(file.getvalue(), RGB).pixels, photo) <= 16


def test_content_decides_not_the_name(photo, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(encode(photo, "PNG"))
    assert (decode(path, RGB).pixels == photo).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_applies_the_exif_orientation(photo, kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    options |= {"lossless": True} if kind == "WEBP" else {}
    reference = ImageOps.exif_transpose(Image.open(io.BytesIO(encode(photo, kind, exif=exif))))
    turned = orientation >= 5
    spec = ImageSpec(48, 32, 3) if turned else RGB
    decoded = decode(encode(photo, kind, exif=exif, **options), spec)
    assert (decoded.width, decoded.height) == ((32, 48) if turned else (48, 32))
    assert far(decoded.pixels, upright(photo, orientation)) <= 6
    assert reference.size == (decoded.width, decoded.height)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_in_memory_is_turned_by_what_was_set_in_it(photo, orientation):
    image = Image.fromarray(photo)
    image.getexif()[0x0112] = orientation
    decoded = decode(image, ImageSpec(48, 32, 3) if orientation >= 5 else RGB)
    assert (decoded.width, decoded.height) == ((32, 48) if orientation >= 5 else (48, 32))
    assert (decoded.pixels == upright(photo, orientation)).all()
    assert image.getexif()[0x0112] == orientation


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_an_opened_image_is_turned_as_its_file_is(photo, kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(photo, kind, exif=exif.tobytes())
    with Image.open(io.BytesIO(data)) as image:
        opened = decode(image, ImageSpec(48, 32, 3))
    read = decode(data, ImageSpec(48, 32, 3))
    assert (opened.width, opened.height) == (read.width, read.height) == (32, 48)
    assert (opened.pixels == read.pixels).all()


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", [2, 3, 5, 6, 8])
def test_phone_formats_are_turned_once(photo, kind, orientation):
    decode(HEIC, RGB)  # so that Pillow knows HEIF, and can write it here
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(photo, kind, exif=exif.tobytes(), quality=95)
    spec = ImageSpec(48, 32, 3) if orientation >= 5 else RGB
    decoded = decode(data, spec)
    assert (decoded.width, decoded.height) == ((32, 48) if orientation >= 5 else (48, 32))
    assert np.abs(decoded.pixels.astype(int) - upright(photo, orientation)).mean() < 4


def test_jpeg_is_decoded_at_a_reduced_scale_that_is_enough(photo, monkeypatch):
    scaled = []
    by_pillow, plain = JpegImagePlugin.JpegImageFile.draft, opening.plain_jpeg

    def drafted(image, mode, size):
        answer = by_pillow(image, mode, size)
        scaled.append(image.size)
        return answer

    def decoded(*given):
        found = plain(*given)
        if found is not None:
            scaled.append(found.pixels.shape[1::-1])
        return found

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "draft", drafted)
    monkeypatch.setattr(opening, "plain_jpeg", decoded)
    specs = (
        ImageSpec(100, 100, 3), ImageSpec(100, 100, 3, fit="crop"),
        ImageSpec(100, 100, 3, fit="pad"), ImageSpec(641, 100, 3),
    )  # fmt: skip
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    for more in ({}, {"exif": exif.tobytes()}):
        scaled.clear()
        data = encode(Image.fromarray(photo).resize((960, 640)), "JPEG", **more)
        for spec in specs:
            decode(data, spec)
        assert scaled == [(240, 160), (240, 160), (120, 80), (960, 640)]


def upright(stored, orientation):
    """What EXIF says of the stored row 0 and column 0, spelled with numpy."""
    swapped = stored.swapaxes(0, 1)
    return {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: swapped,
        6: swapped[:, ::-1],
        7: swapped[::-1, ::-1],
        8: swapped[::-1],
    }[orientation]


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_reduced_jpeg_keeps_its_original_size_and_looks_the_same(photo, orientation):
    large = Image.fromarray(photo).resize((480, 320), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(large, "JPEG", quality=95, exif=exif)
    decoded = decode(data, ImageSpec(40, 40, 3))
    whole = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert (decoded.width, decoded.height) == whole.size
    slow = np.asarray(whole.resize((40, 40), Image.Resampling.BICUBIC))
    assert np.abs(decoded.pixels.astype(int) - slow).mean() < 2


def test_damaged_exif_does_not_lose_the_picture(photo):
    data = encode(photo, "JPEG", quality=95, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff broken")
    assert far(decode(data, RGB).pixels, photo) <= 12


def test_grey_is_pillows_l(photo):
    expected = np.asarray(Image.fromarray(photo).convert("L"))
    assert (decode(encode(photo, "PNG"), GREY).pixels[..., 0] == expected).all()
    assert (decode(expected, RGB).pixels == expected[..., None]).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "YCbCr", "HSV", "CMYK"])
def test_modes_become_rgb(photo, mode):
    image = Image.fromarray(photo).convert(mode)
    assert (decode(image, RGB).pixels == np.asarray(image.convert("RGB"))).all()


def test_lab_becomes_rgb(photo):
    to_lab = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    image = ImageCms.applyTransform(Image.fromarray(photo), to_lab)
    pixels = decode(encode(image, "TIFF"), RGB).pixels
    assert np.abs(pixels.astype(int) - photo).mean() < 2


def test_cmyk_jpeg(photo):
    data = encode(Image.fromarray(photo).convert("CMYK"), "JPEG", quality=95, subsampling=0)
    assert far(decode(data, RGB).pixels, photo) <= 8


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_by_their_range(kind):
    ramp = np.linspace(0, 65535, 48).astype(np.uint16)[None].repeat(32, axis=0)
    pixels = decode(encode(Image.fromarray(ramp), kind), GREY).pixels[..., 0]
    assert far(pixels, np.rint(ramp / 257)) == 0
    assert len(np.unique(pixels)) == 48


def test_whole_numbers_and_floats_are_not_clipped():
    ramp = np.linspace(0, 1, 48)[None].repeat(32, axis=0)
    wanted = np.rint(ramp * 255)
    sixteen = Image.fromarray((ramp * 65535).astype(np.int32))
    assert sixteen.mode == "I"
    assert far(decode(sixteen, GREY).pixels[..., 0], wanted) <= 1
    for scale, shift in [(1, 0), (255, 0), (5000, -300)]:
        values = Image.fromarray((ramp * scale + shift).astype(np.float32))
        assert far(decode(encode(values, "TIFF"), GREY).pixels[..., 0], wanted) <= 1


def test_not_a_number_is_the_darkest():
    values = np.full((32, 48), 0.5, np.float32)
    values[0, 0] = np.nan
    values[0, 1] = 0.25
    pixels = decode(Image.fromarray(values), GREY).pixels
    assert pixels[0, 0, 0] == pixels[0, 1, 0] == 64


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_lies_over_the_background(photo, kind):
    alpha = np.zeros((32, 48), np.uint8)
    alpha[:, 24:] = 255
    alpha[:16] = 128
    layered = np.dstack([photo, alpha])
    spec = ImageSpec(32, 48, 3, background=(10, 200, 30))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    pixels = decode(encode(layered, kind, **options), spec).pixels
    share = alpha[..., None] / 255
    assert far(pixels, np.rint(photo * share + np.array(spec.background) * (1 - share))) <= 1
    assert (pixels[20, 3] == spec.background).all()


@pytest.mark.parametrize("mode", ["LA", "La", "PA", "RGBa"])
def test_other_transparent_modes(mode):
    image = Image.new("RGBA", (48, 32), (200, 200, 200, 0))
    image.paste((102, 102, 102, 255), (0, 0, 24, 32))
    if mode == "PA":
        opaque = image.getchannel("A")
        image = image.convert("RGB").convert("P").convert("PA")
        image.putalpha(opaque)
    elif mode == "La":
        image = image.convert("LA").convert("La")
    else:
        image = image.convert(mode)
    pixels = decode(image, RGB).pixels
    assert image.mode == mode
    assert far(pixels[:, :24], np.full((32, 24, 3), 102)) <= 1
    assert (pixels[:, 24:] == 255).all()


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_a_transparent_colour_of_a_palette(kind):
    image = Image.new("P", (48, 32), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (24, 0, 48, 32))
    data = encode(image, kind, transparency=0)
    pixels = decode(data, ImageSpec(32, 48, 3, background=(1, 2, 3))).pixels
    assert (pixels[:, :24] == (1, 2, 3)).all()
    assert (pixels[:, 24:] == (0, 0, 255)).all()


def test_a_transparent_colour_of_rgb(photo):
    photo[:4] = (9, 8, 7)
    data = encode(photo, "PNG", transparency=(9, 8, 7))
    pixels = decode(data, RGB).pixels
    assert (pixels[:4] == 255).all()
    assert (pixels[4:] == photo[4:]).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_the_first_frame_of_an_animation_or_page_of_a_document(kind):
    frames = [Image.new("RGB", (48, 32), colour) for colour in ("red", "blue", "lime")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    red = np.broadcast_to([255, 0, 0], (32, 48, 3))
    assert far(decode(data, RGB).pixels, red) <= (8 if kind == "AVIF" else 0)


@pytest.mark.parametrize("name", ["plain.jpg", "rotated.jpg", "plain.heic", "rotated.heic"])
def test_of_a_motion_photo_the_still(name):
    still = seeds()[name]
    if name.endswith("heic"):
        moving = [still + struct.pack(">I", 8 + len(MOV)) + b"mpvd" + MOV]
    else:
        moving = [still + MOV, still + b"\0\x000\n\x10\0\0\0MotionPhoto_Data" + MOV + b"SEFT"]
    wanted = decode(still, RGB)
    for data in moving:
        found = decode(data, RGB)
        assert (found.pixels == wanted.pixels).all()
        assert (found.width, found.height) == (wanted.width, wanted.height)


def test_postscript_is_not_run(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was run"))
    for program in ("check_call", "run", "check_output"):
        monkeypatch.setattr(subprocess, program, subprocess.Popen)
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(PictureError, match="known format"):
        decode(page, RGB)


def test_a_colour_profile_is_converted(photo):
    """Under a profile whose primaries are swapped, red is shown as green."""
    swapped = ImageCms.createProfile("sRGB")
    profile = bytearray(ImageCms.ImageCmsProfile(swapped).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    tags = {bytes(profile[p : p + 4]): p for p in range(132, 132 + 12 * count, 12)}
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    profile = bytes(profile).replace(b"s\0R\0G\0B", b"o\0t\0h\0r").replace(b"sRGB", b"othr")
    image = np.zeros((32, 48, 3), np.uint8)
    image[..., 0] = 255
    pixels = decode(encode(image, "PNG", icc_profile=profile), RGB).pixels
    assert far(pixels, np.broadcast_to([0, 255, 0], pixels.shape)) <= 3
    broken = decode(encode(image, "PNG", icc_profile=b"not a profile"), RGB).pixels
    assert (broken == image).all()


def test_the_right_size_comes_through_exactly():
    noise = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    for fit in ("stretch", "crop", "pad"):
        assert (decode(noise, ImageSpec(28, 28, 1, fit=fit)).pixels[..., 0] == noise).all()


def test_fits():
    image = np.zeros((20, 60, 3), np.uint8)
    image[:, :20], image[:, 20:40], image[:, 40:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    stretched = decode(image, ImageSpec(30, 30, 3)).pixels
    assert (stretched[15, [3, 15, 26]] == np.eye(3, dtype=int) * 255).all()
    cropped = decode(image, ImageSpec(20, 20, 3, fit="crop")).pixels
    assert (cropped[:, 2:-2] == (0, 255, 0)).all()
    padded = decode(image, ImageSpec(30, 30, 3, fit="pad", background=(7, 8, 9))).pixels
    assert (padded[:10] == (7, 8, 9)).all()
    assert (padded[20:] == (7, 8, 9)).all()
    assert (padded[15, [3, 15, 26]] == np.eye(3, dtype=int) * 255).all()
    grey = decode(image, ImageSpec(30, 30, 1, fit="pad", background=(100, 100, 100))).pixels
    assert (grey[0] == 100).all()


def test_a_tall_or_flat_picture_never_vanishes():
    line = np.full((1, 4000, 3), 200, np.uint8)
    for fit in ("stretch", "crop", "pad"):
        assert decode(line, ImageSpec(16, 16, 3, fit=fit)).pixels.max() == 255 or fit != "pad"
        assert 200 in decode(line, ImageSpec(16, 16, 3, fit=fit)).pixels
    assert thumbnail(line, 64).shape == (1, 64, 3)


def test_what_is_returned_may_be_written_to(photo):
    decode(photo, RGB).pixels[:] = 0
    assert photo.any()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP"])
def test_a_cut_file_is_an_error_of_one_line(photo, kind, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encode(noise, kind)
    path = tmp_path / "cut.jpg"
    for share in (0.05, 0.5, 0.8):
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(PictureError, match=r"cannot read .*cut\.jpg: ") as caught:
            decode(path, RGB)
        assert "\n" not in str(caught.value)
        assert "<" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "reason"), [(b"", "empty"), (b"hello, this is text", "known format")]
)
def test_what_is_no_picture(data, reason, tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(data)
    for source in (path, data):
        with pytest.raises(PictureError, match=reason):
            decode(source, RGB)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(PictureError, match="no such file"):
        decode(tmp_path / "gone.jpg", RGB)
    with pytest.raises(PictureError, match="is a directory"):
        decode(tmp_path, RGB)


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8)]
)
def test_arrays_of_another_kind(array):
    with pytest.raises(PictureError, match="must be uint8"):
        decode(array, RGB)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize("side", [10_000, 15_000, 60_000])
def test_a_picture_that_claims_too_much_is_refused_without_a_warning(side):
    header = struct.pack(">2I5B", side, side, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        too_many = side**2 > IntakeLimits().max_pixels
        with pytest.raises(PictureError, match="pixels" if too_many else "cannot read"):
            decode(bomb, RGB)


def test_pillows_warnings_stay_inside_also_with_threads(photo):
    image = Image.new("P", (48, 32))
    image.info["transparency"] = bytes(range(256))
    large = encode(Image.new("1", (9500, 9500)), "PNG")
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(lambda source: decode(source, RGB).width, [image, large, photo] * 4))
    assert sizes == [48, 9500, 48] * 4
    assert list(warnings.filters) == before


def test_thumbnails(photo):
    large = Image.fromarray(photo).resize((480, 320))
    assert thumbnail(encode(large, "JPEG"), 96).shape == (64, 96, 3)
    digit = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    enlarged = thumbnail(digit, 96)
    assert enlarged.shape == (84, 84, 3)
    assert (enlarged[::3, ::3, 0] == digit).all()
    assert (enlarged[1::3, 2::3, 1] == digit).all()
    clear = np.zeros((10, 10, 4), np.uint8)
    assert (thumbnail(clear, 10, background=(1, 2, 3)) == (1, 2, 3)).all()
    with pytest.raises(PictureError):
        thumbnail(b"no", 10)
