"""Every format of a picture, by its structure; and the SVG writer."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viz import svg
from viz.picture import Picture
from viz.scene import Circle, Group, Rect, Scene, Text
from viz.style import INK, NEGATIVE, PAPER, POSITIVE, Look

NAMESPACE = "{http://www.w3.org/2000/svg}"


def scene(text: str = "∂e/∂a", title: str = "A title", description: str = "What it shows.") -> Scene:
    shapes = [
        Rect(0, 0, 90, 40, look=Look(fill=POSITIVE), role="box", data={"id": "7"}),
        Text(45, 60, text, title="tip"),
    ]
    return Scene.around(shapes, title=title, description=description)


def picture() -> Picture:
    return Picture(scene(), text="drawn", dot="digraph { a }", data={"a": 1})


def pixels(png: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int)


def by_class(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [e for e in root.iter() if name in e.get("class", "").split()]


def test_svg_is_accessible_and_has_roles_and_data() -> None:
    root = ElementTree.fromstring(picture().svg())
    assert root.get("role") == "img"
    title, desc = root.find(f"{NAMESPACE}title"), root.find(f"{NAMESPACE}desc")
    assert title is not None and title.text == "A title" and root.get("aria-labelledby") == title.get("id")
    assert (
        desc is not None and desc.text == "What it shows." and root.get("aria-describedby") == desc.get("id")
    )
    (box,) = by_class(root, "box")
    assert box.get("data-id") == "7" and box.get("fill") == POSITIVE.light
    assert [e.text for e in root.iter(f"{NAMESPACE}title")] == ["A title", "tip"]


def test_dark_mode_is_a_style_sheet_for_this_picture_only() -> None:
    text = picture().svg()
    root = ElementTree.fromstring(text)
    sheet = root.findtext(f"{NAMESPACE}style") or ""
    assert "@media (prefers-color-scheme:dark)" in sheet
    assert f"#{root.get('id')} .fill-positive{{fill:{POSITIVE.dark}}}" in sheet
    rules = sheet.replace("@media (prefers-color-scheme:dark){", "").split("}")
    assert all(rule.startswith(f"#{root.get('id')}") for rule in rules if rule)


def test_fixed_themes_have_no_style_sheet() -> None:
    for theme, paper in (("light", PAPER.light), ("dark", PAPER.dark)):
        root = ElementTree.fromstring(picture().svg(theme))  # type: ignore[arg-type]
        assert root.find(f"{NAMESPACE}style") is None
        assert by_class(root, "page")[0].get("fill") == paper


def test_ids_differ_between_pictures_and_repeat_for_the_same() -> None:
    one, same, other = svg.to_svg(scene("a")), svg.to_svg(scene("a")), svg.to_svg(scene("b"))
    assert one == same
    ids = [ElementTree.fromstring(text).get("id") for text in (one, other)]
    assert ids[0] != ids[1]
    assert ElementTree.fromstring(svg.to_svg(scene("a"), name="again")).get("id") == "again"


def test_nothing_is_cut_off() -> None:
    drawn = scene("a rather long text that sticks out on both sides")
    left, _, width, _ = map(float, ElementTree.fromstring(svg.to_svg(drawn)).get("viewBox", "").split())
    low, _, high, _ = drawn.shapes[1].bounds()
    assert left <= low - 10 and high + 10 <= left + width


def test_opacity_of_a_group_reaches_its_leaves() -> None:
    group = Group((Circle(0, 0, 5, look=Look(fill=NEGATIVE, opacity=0.5)),), look=Look(opacity=0.4))
    root = ElementTree.fromstring(svg.to_svg(Scene.around([group], title="t", description="d")))
    circle = next(root.iter(f"{NAMESPACE}circle"))
    assert circle.get("fill-opacity") == "0.2"


@settings(max_examples=60)
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_makes_well_formed_svg_and_html(text: str, title: str) -> None:
    drawn = Picture(scene(text, title, title))
    root = ElementTree.fromstring(drawn.svg())
    found = next(root.iter(f"{NAMESPACE}text")).text or ""
    keep = [c for c in text if c.isprintable()]
    assert set(keep) <= set(found)
    assert "<script" not in Picture(scene("<script>", "</title><script>", "<script>")).html()


def test_png_shows_its_text() -> None:
    image = pixels(Picture(scene("∂ × √ ✕ · ≥ −")).png())
    paper = np.array([255, 255, 255])
    below = image[2 * (16 + 45) :]
    assert (np.abs(below - paper).sum(axis=2) > 300).sum() > 200


def test_each_special_glyph_paints_its_own_shape() -> None:
    drawn = {c: pixels(Picture(scene(c)).png()).tobytes() for c in "∂×√✕·≥−σ"}
    assert len(set(drawn.values())) == len(drawn)


def test_png_in_the_dark() -> None:
    assert tuple(pixels(picture().png(theme="dark"))[0, 0]) == tuple(bytes.fromhex(PAPER.dark[1:]))


def test_png_scale() -> None:
    small, large = pixels(picture().png(scale=1)), pixels(picture().png(scale=3))
    assert large.shape[0] == pytest.approx(3 * small.shape[0], abs=3)


def test_pdf_embeds_its_font() -> None:
    pdf = picture().pdf()
    assert pdf.startswith(b"%PDF") and b"DejaVuSans" in pdf


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "html", "dot", "json", "txt", "SVG"])
def test_save_writes_every_format(tmp_path: Path, suffix: str) -> None:
    path = picture().save(tmp_path / f"graph.{suffix}")
    content = path.read_bytes()
    starts = {
        "svg": b"<svg",
        "png": b"\x89PNG",
        "pdf": b"%PDF",
        "html": b"<!DOCTYPE html>",
        "dot": b"digraph",
        "txt": b"drawn\n",
    }
    assert content.startswith(starts.get(suffix.lower(), b""))
    if suffix == "json":
        assert json.loads(content) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_html_is_self_contained() -> None:
    page = picture().html()
    assert "<svg" in page and "A title" in page
    for fetch in ("src=", "href=", "@import", "url("):
        assert fetch not in page


@pytest.mark.parametrize("name", ["graph.bmp", "graph", "graph.", ".svg"])
def test_unknown_suffix_lists_the_possible_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.html, \.dot, \.json, \.txt"):
        picture().save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_formats_that_the_picture_lacks_are_not_offered(tmp_path: Path) -> None:
    with pytest.raises(ValueError) as error:
        Picture(scene()).save(tmp_path / "graph.dot")
    assert ".json" not in str(error.value) and ".pdf" in str(error.value)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        picture().save(tmp_path / "nowhere" / "graph.svg")


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text("old")
    with pytest.raises(TypeError):
        Picture(scene(), data={"a": object()}).save(path)
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_jupyter_and_terminal() -> None:
    drawn = picture()
    bundle = drawn._repr_mimebundle_()
    assert bundle == {"image/svg+xml": drawn.svg(), "text/plain": "drawn"}
    assert str(drawn) == "drawn" and drawn._repr_svg_() == drawn.svg()
    assert str(Picture(scene())) == "A title\nWhat it shows."


class TestFigures:
    @pytest.fixture
    def plotted(self) -> Picture:
        from matplotlib.figure import Figure

        from viz.plots import house_style

        with house_style():
            figure = Figure(figsize=(4, 3), layout="constrained")
            axes = figure.subplots()
            axes.plot([0, 1], [0, 1])
            axes.set_title("∂ < √")
        return Picture(figure, title="A <plot>", description="One line.")

    def test_svg_is_accessible(self, plotted: Picture) -> None:
        root = ElementTree.fromstring(plotted.svg())
        assert root.get("role") == "img" and root.get("width") == "384"
        assert root.findtext(f"{NAMESPACE}title") == "A <plot>"
        assert root.findtext(f"{NAMESPACE}desc") == "One line."
        sheets = list(root.iter(f"{NAMESPACE}style"))
        assert len(sheets) == 1 and "dark" in (sheets[0].text or "")

    def test_every_reference_is_to_an_id_of_its_own(self, plotted: Picture) -> None:
        root = ElementTree.fromstring(plotted.svg(name="mine"))
        ids = [e.get("id") for e in root.iter() if e.get("id")]
        assert len(ids) == len(set(ids)) and all(str(i).startswith("mine") for i in ids)
        for element in root.iter():
            for key, value in element.attrib.items():
                if key.endswith("href"):
                    assert value[1:] in ids
                if "url(#" in value:
                    assert value.split("url(#")[1].split(")")[0] in ids

    @pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "html", "txt"])
    def test_save(self, plotted: Picture, tmp_path: Path, suffix: str) -> None:
        assert plotted.save(tmp_path / f"plot.{suffix}").stat().st_size > 0

    def test_words_are_needed(self, plotted: Picture) -> None:
        with pytest.raises(ValueError, match="needs title= and description="):
            Picture(plotted.drawing, title="A plot")

    def test_dark(self, plotted: Picture) -> None:
        assert tuple(pixels(plotted.png(theme="dark"))[0, 0]) == tuple(bytes.fromhex(PAPER.dark[1:]))
        assert INK.light not in plotted.svg("dark")
