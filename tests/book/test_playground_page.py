"""The page that completes playlists, in a real browser: its numbers are Python's, and it works."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from musig.catalog import Playlists, universe
from musig.pages import completed, offers, packing, playground
from musig.sources import synthetic
from musig.splits import split_playlists

pytestmark = [pytest.mark.slow, pytest.mark.browser]

STATIC = Path(__file__).resolve().parents[2] / "book/_static"
HOSTILE = '<img src=x onerror="document.title = 1">&amp; "seven" </script>'
BLENDS = [[2, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [5, 3, 90]]
ASK = "([what, ...given]) => { const m = document.querySelector('.musig-playground').musig;"


@pytest.fixture(scope="module")
def made():
    """Trained models, what is shown of them, and what was packed; one name is hostile."""
    catalog = synthetic.make("smoke")
    split = split_playlists(catalog, 0)
    known = catalog.restrict(universe(catalog, split.train, 3))
    models = offers.fit(
        known, split, epochs=6, embedding_size=16, neighbours=12, seed=0, device="cpu"
    )
    shown = offers.most_frequent(models.counts, 200)
    tone = (0.2 * np.sin(np.arange(40_000) / 9)).astype(np.float32)
    clips = dict.fromkeys(range(0, 200, 2), packing.clip(tone, 16_000, 2.5))
    content = playground.content(
        models, shown, clips, offers.examples(models, shown, list(clips), seed=0)
    )
    content["tracks"]["names"][0] = HOSTILE
    return models, shown, content


def written(folder, content):
    """The page as the book has it: beside the book's scripts, with the theme's style."""
    (folder / "notebooks").mkdir()
    (folder / "_static").mkdir()
    styles = []
    for package, name in (
        ("pydata_sphinx_theme", "bootstrap.css"),
        ("pydata_sphinx_theme", "pydata-sphinx-theme.css"),
        ("sphinx_book_theme", "sphinx-book-theme.css"),
    ):
        (found,) = Path(find_spec(package).origin).parent.rglob(name)
        styles.append(shutil.copy(found, folder / "_static"))
    for path in [*STATIC.glob("playground*"), STATIC / "musig.css"]:
        shutil.copy(path, folder / "_static")
    links = [f'<link rel="stylesheet" href="../_static/{Path(name).name}">' for name in styles]
    page = folder / "notebooks/16_playground.html"
    page.write_text(
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Complete a playlist</title>{''.join(links)}"
        '<link rel="stylesheet" href="../_static/musig.css"></head><body><main class="bd-content">'
        '<article class="bd-article"><h1>Complete a playlist</h1><h2>Here</h2>'
        '<div class="cell_output"><div class="output text_html">'
        f"{playground.page(content).data}</div></div></article></main></body></html>",
        "utf-8",
    )
    return page.as_uri()


@pytest.fixture(scope="module")
def site(made, tmp_path_factory):
    """The page with everything."""
    return written(tmp_path_factory.mktemp("site"), made[2])


@pytest.fixture
def page(chromium, site):
    """The page, opened; what went wrong in it, and what it asked for, is in two lists."""
    context = chromium.new_context(viewport={"width": 1300, "height": 900})
    opened = context.new_page()
    opened.errors, opened.asked = [], []
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.on(
        "console",
        lambda said: opened.errors.append(said.text) if said.type == "error" else None,
    )
    opened.on("request", lambda request: opened.asked.append(request.url))
    # What plays is no element of the page: kept, so that a test can say how long a clip lasts.
    opened.add_init_script(
        "const Kept = Audio; window.Audio = function () { return (window.heard = new Kept()); };"
    )
    opened.goto(site)
    opened.wait_for_selector(".pg-row")
    yield opened
    assert opened.errors == []
    context.close()


def lists_of(shown, counts):
    """Draw seed lists: three, ten, between; the most and the least frequent tracks."""
    rng, n = np.random.default_rng(0), len(shown)
    order = np.argsort(-counts[shown], kind="stable")
    drawn = [rng.choice(n, rng.integers(3, 11), replace=False) for _ in range(40)]
    drawn += [rng.choice(n, size, replace=False) for size in (3, 3, 10, 10)]
    drawn += [order[:3], order[:10], order[-3:], order[-10:]]
    return Playlists.from_lists(drawn)


def rows(page, key):
    found = page.locator(f'[data-list="{key}"] .pg-row')
    return [int(each.get_attribute("data-track")) for each in found.all()]


def test_scores_are_those_of_python(page, made):
    models, shown, _ = made
    seeds = lists_of(shown, models.counts)
    lists = [seeds[row].tolist() for row in range(len(seeds))]
    ask = f"{ASK} return given[0].map((seeds) => Array.from(m.data.models[what].score(seeds))); }}"
    scores = {}
    for name, scorer in models.scorers.items():
        scores[name] = completed.scores(scorer, seeds, shown)
        found = np.array(page.evaluate(ask, [name, lists]))
        assert np.abs(found - scores[name].numpy()).max() < 1e-4, name
    blend = (
        f"{ASK} return given[0].map((seeds) => Array.from(m.scores.mixed("
        "what.map((id) => m.data.models[id].score(seeds)), given[1], seeds))); }"
    )
    parts = [scores[task] for task in models.parts]
    for weights in BLENDS:
        found = np.array(page.evaluate(blend, [list(models.parts), lists, weights]))
        wanted = completed.mixed(parts, weights, seeds).numpy()
        assert np.abs(found - wanted).max() < 1e-4, weights
        assert np.ptp(wanted) > 0.1


def test_reasons_and_portraits_are_those_of_python(page, made):
    models, shown, content = made
    tracks, counts = models.catalog.tracks.iloc[shown], models.counts[shown]
    for example in content["examples"][:4]:
        seeds = example["seeds"]
        for name, listed in completed.lists(models, shown, seeds, 5).items():
            portrait = f"{ASK} return m.data.portrait(what, given[0]); }}"
            found = page.evaluate(portrait, [seeds, listed.tolist()])
            wanted = completed.portrait(tracks, counts, seeds, listed.tolist())
            assert found["genre"] == wanted["genre"]
            assert found["playlists"] == wanted["playlists"]
            assert found["sound"] == pytest.approx(wanted["sound"], abs=0.02)
            if name == completed.BLEND:
                continue
            reasons = f"{ASK} return m.scores.reasons(m.data.models[what], given[0], given[1]); }}"
            found = page.evaluate(reasons, [name, int(listed[0]), seeds])
            wanted = completed.reasons(models.scorers[name], int(listed[0]), seeds, shown)
            scores = [score for _, score in wanted]
            assert [each["score"] for each in found] == pytest.approx(scores, abs=1e-4)


def test_it_opens_with_an_example_completed_as_python_completes_it(page, made):
    models, shown, content = made
    example = content["examples"][0]
    assert page.locator(".pg-chip").count() == len(example["seeds"])
    wanted = completed.lists(models, shown, example["seeds"], 10)
    for name in playground.LABELS:
        scores = completed.scores(
            models.methods[name], Playlists.from_lists([example["seeds"]]), shown
        )[0]
        listed = rows(page, name)
        assert [float(scores[at]) for at in listed] == pytest.approx(
            [float(scores[at]) for at in wanted[name]], abs=1e-4
        )
        ticks = page.locator(f'[data-list="{name}"] .pg-target').count()
        assert ticks == len(set(listed) & set(example["targets"]))
    assert rows(page, "joint") == rows(page, "musig")
    assert len(rows(page, "blend")) == 10


def test_nothing_is_asked_of_a_network(page):
    page.get_by_role("button", name="Surprise me").click()
    page.locator(".pg-play").first.click()
    assert page.asked and all(url.startswith(("file:", "data:")) for url in page.asked)


def test_names_are_text(page):
    page.get_by_role("button", name="Clear").click()
    page.locator(".pg-search").fill("onerror")
    option = page.locator(".pg-options li").first
    assert HOSTILE in option.inner_text()
    option.click()
    assert HOSTILE in page.locator(".pg-chosen").inner_text()
    assert page.locator(".musig-playground img").count() == 0
    assert page.title() == "Complete a playlist"


def test_a_playlist_is_made_by_keyboard_alone(page, made):
    names = made[2]["tracks"]["names"]
    page.get_by_role("button", name="Clear").press("Enter")
    search = page.get_by_role("combobox", name="Search")
    assert search.evaluate("node => node === document.activeElement")
    assert page.locator("[data-list]").count() == 0
    for count, track in enumerate((3, 40, 80), start=1):
        page.keyboard.type(names[track])
        assert search.get_attribute("aria-expanded") == "true"
        page.keyboard.press("ArrowDown")
        active = page.locator(f"#{search.get_attribute('aria-activedescendant')}")
        assert active.get_attribute("aria-selected") == "true"
        assert names[track] in active.inner_text()
        page.keyboard.press("Enter")
        assert page.locator(".pg-chip").count() == count
        assert search.get_attribute("aria-expanded") == "false" and search.input_value() == ""
    assert len(rows(page, "musig")) == 10 and not {3, 40, 80} & set(rows(page, "musig"))
    page.keyboard.type("zzzz")
    assert page.locator(".pg-none-found").is_visible()
    page.wait_for_function(
        "document.querySelector('[role=status]').textContent == 'No track found.'"
    )
    page.keyboard.press("Escape")
    assert search.input_value() == "" and not page.locator(".pg-none-found").is_visible()
    page.keyboard.press("ArrowUp")  # from the end, of the most frequent tracks
    last = page.locator(".pg-options li").last
    assert last.get_attribute("aria-selected") == "true"
    page.keyboard.press("Escape")
    assert search.get_attribute("aria-expanded") == "false"
    page.locator(".pg-remove").first.press("Enter")
    assert page.locator(".pg-chip").count() == 2 and page.locator("[data-list]").count() == 0
    assert page.evaluate("document.activeElement.className") == "pg-remove"
    assert "Pick 1 more track" in page.locator(".pg-note").first.inner_text()


def test_ten_seeds_are_the_most(page):
    search = page.get_by_role("combobox", name="Search")
    search.press("ArrowDown")
    search.press("Enter")
    assert page.locator(".pg-chip").count() == 10
    assert "Remove one first" in page.locator(".pg-note").first.inner_text()


def test_sliders_blend_and_say_so(page, made):
    models, shown, content = made
    seeds = Playlists.from_lists([content["examples"][0]["seeds"]])
    sliders = page.get_by_role("slider")
    assert sliders.count() == 3
    shares = page.locator(".pg-slider output").all_inner_texts()
    assert shares == ["50 %", "25 %", "25 %"]
    for at, task in enumerate(models.parts):
        page.get_by_role("button", name="alone").nth(at).click()
        alone = completed.scores(models.parts[task], seeds, shown)[0]
        found = [float(alone[track]) for track in rows(page, "blend")]
        assert found == pytest.approx(sorted(found, reverse=True), abs=1e-4)
        assert found[0] == pytest.approx(
            float(alone[completed.lists(models, shown, seeds[0], 1)[task][0]]), abs=1e-4
        )
    before = rows(page, "joint")
    sliders.nth(2).focus()
    page.keyboard.press("Home")
    assert "All sliders are at 0" in page.locator(".pg-pair").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator(".pg-slider output").all_inner_texts() == ["0 %", "0 %", "100 %"]
    assert "100 percent" in sliders.nth(2).get_attribute("aria-valuetext")
    assert sliders.nth(2).evaluate("node => node === document.activeElement")
    assert rows(page, "joint") == before
    page.get_by_role("button", name="As in training").click()
    assert page.locator(".pg-slider output").all_inner_texts() == shares
    lines = page.locator(".pg-slopes path").count()
    assert lines == len(set(rows(page, "blend")) & set(rows(page, "joint")))


def test_the_address_keeps_the_list(page, site):
    page.get_by_role("button", name="Surprise me").click()
    page.get_by_role("button", name="All alike").click()
    page.wait_for_function("location.hash.startsWith('#playlist=')")
    page.wait_for_function("location.hash.endsWith('.100-100-100')")
    wanted, address = rows(page, "blend"), page.url
    seeds = page.locator(".pg-chip").count()
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector(".pg-row")
    assert rows(page, "blend") == wanted and page.locator(".pg-chip").count() == seeds
    page.goto("about:blank")
    page.goto(f"{site}#playlist=00000000.1-2-3.1-1-1")
    page.wait_for_selector(".pg-row")
    page.wait_for_function("/other data/.test(document.querySelector('[role=status]').textContent)")
    assert page.locator(".pg-chip").count() == 10


def test_a_link_to_other_data_that_is_followed_later_changes_nothing(page):
    before = rows(page, "musig")
    page.evaluate("location.hash = '#playlist=00000000.1-2-3.1-1-1'")
    page.wait_for_function("/stays/.test(document.querySelector('[role=status]').textContent)")
    assert "example" not in page.locator("[role=status]").text_content()
    assert rows(page, "musig") == before


def test_with_fewer_tasks_and_no_track_left_nothing_wrong_is_said(chromium, made, tmp_path):
    content = dict(made[2])
    sound = next(iter(content["clips"]["sounds"].values()))
    heard = dict.fromkeys(map(str, content["examples"][0]["seeds"][:3]), sound)
    content["clips"] = {**content["clips"], "sounds": heard}
    content["parts"] = content["parts"][:2]
    context = chromium.new_context()
    page = context.new_page()
    page.goto(written(tmp_path, content))
    page.get_by_label("Only tracks that can be played").check()
    assert page.locator("[data-list]").count() == 5
    assert page.locator("[data-list] .pg-row").count() == 0
    page.locator(".pg-remove").last.click()
    page.wait_for_function("/9 left/.test(document.querySelector('[role=status]').textContent)")
    told = page.locator(".musig-playground").inner_text()
    assert not re.search(r"undefined|NaN|[Tt]hree (tasks|models)", told)
    context.close()


def test_one_clip_plays_at_a_time_and_lists_can_be_heard(page):
    page.get_by_label("Only tracks that can be played").check()
    assert page.locator('[data-list="musig"] .pg-play').count() == 10
    first, second = (page.locator('[data-list="musig"] .pg-play').nth(at) for at in (0, 1))
    title = first.get_attribute("aria-label").removeprefix("Play ")
    page.evaluate("heard.loop = true")  # however slow this machine is, it goes on
    first.click()
    assert first.get_attribute("aria-label") == f"Stop {title}"
    assert title in page.locator(".pg-now").inner_text()
    second.click()
    assert first.get_attribute("aria-label") == f"Play {title}"
    assert second.get_attribute("aria-label").startswith("Stop ")
    page.locator(".pg-now button").click()
    assert page.locator(".pg-now").is_hidden() and page.locator(".pg-on").count() == 0
    page.get_by_role("button", name="Play the clips of the list MUSIG").first.click()
    assert title in page.locator(".pg-now").inner_text()
    page.evaluate("heard.loop = false")
    page.wait_for_function(  # the second of the list follows the first by itself
        "title => !document.querySelector('.pg-now-title').textContent.startsWith(title)",
        arg=title.split(" by ")[0],
    )


def test_features_unfold_into_numbers(page):
    box = page.locator('[data-list="musig"] .pg-features').first
    label = box.locator("svg").get_attribute("aria-label")
    assert label.startswith("Features: acousticness 0.") and " BPM" in label
    box.locator("summary").press("Enter")
    cells = box.locator("tr").all_inner_texts()
    assert len(cells) == 9 and "acousticness" in cells[0]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 768, 390])
def test_nothing_is_too_wide_and_axe_finds_nothing_serious(chromium, site, width, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto(site)
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    page.wait_for_selector(".pg-row")
    page.locator(".pg-features summary").first.click()
    page.locator(".pg-play").first.click()
    page.locator(".pg-search").fill("a")
    page.keyboard.press("ArrowDown")
    assert page.locator(".pg-options [aria-selected=true]").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = axe.Axe().run(page, context=".musig-playground").response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not serious, [(each["id"], each["nodes"][0]["html"]) for each in serious]
    page.close()


def test_without_scripts_it_says_what_is_missing(chromium, site):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site)
    assert "JavaScript is off" in page.locator(".pg-wait").inner_text()
    context.close()


def test_motion_is_reduced_on_request(chromium, site):
    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(site)
    page.locator(".pg-play").first.click()
    style = page.locator(".pg-wave").evaluate("node => getComputedStyle(node).animationName")
    assert style == "none"
    context.close()
