"""Verdicts on a page: nothing is said that the table does not say, and text stays text."""

import re

import numpy as np
import pandas as pd
import pytest

from musig.experiments import claims
from musig.pages import verdicts

NAN = float("nan")


def line(claim, verdict, **more):
    blank = dict.fromkeys(claims.COLUMNS, "")
    blank |= dict.fromkeys(("difference", "low", "high", "p", "p_holm"), NAN) | {"n": 0}
    return blank | {"claim": claim, "verdict": verdict} | more


@pytest.fixture
def table():
    return pd.DataFrame(
        [
            line("a <b> over c", "reproduced", difference=0.1, low=0.05, high=0.15, p=1e-4,
                 p_holm=2e-4, n=1200, quantity="recall@10, a less c", measured="one; two",
                 any_hit="reproduced", per_target="reproduced", agree="3 of 3 trainings",
                 run="mpd_sample", command="make results ROW=x"),
            line("content & co", "not testable on this data", reason="no <sound>"),
            line("new tracks", "not run yet", reason="cells are missing"),
        ]
    )  # fmt: skip


def test_every_verdict_has_a_sign_and_its_word(table):
    assert set(verdicts.SIGNS) == set(claims.VERDICTS)
    html = verdicts.overview(table, "All & more").data
    assert "✓ reproduced" in html and "∅ not testable on this data" in html
    assert "… not run yet" in html
    assert "<caption>All &amp; more</caption>" in html
    assert "+0.100 [+0.050, +0.150]" in html and html.count("<td>–</td>") == 2


def test_links_of_the_list_lead_to_what_is_unfolded(table):
    linked = re.findall(r'href="#([^"]+)"', verdicts.overview(table).data)
    there = re.findall(r'id="([^"]+)"', verdicts.details(table).data)
    assert linked == there and len(set(there)) == 3
    assert "href" not in verdicts.overview(table, link=False).data
    everything = pd.DataFrame([line(claim.name, "not run yet") for claim in claims.CLAIMS])
    ids = re.findall(r'id="([^"]+)"', verdicts.details(everything).data)
    assert len(set(ids)) == len(claims.CLAIMS)


def test_what_is_unfolded_is_whole_and_escaped(table):
    html = verdicts.details(table).data
    for told in ("<li>one</li><li>two</li>", "recall@10, a less c: +0.100", "1,200", "0.0001",
                 "3 of 3 trainings", "mpd_sample", "<code>make results ROW=x</code>",
                 "no &lt;sound&gt;", "a &lt;b&gt; over c"):  # fmt: skip
        assert told in html, told
    assert "<b>" not in html and "<sound>" not in html
    assert html.count("p-value") == 1  # what was not measured is left out


def test_verdicts_for_several_k_stand_side_by_side(table):
    other = table.assign(verdict=["not reproduced", *table["verdict"][1:]])
    found = verdicts.by_cutoff({10: table, 100: other})
    assert list(found) == ["claim", "k = 10", "k = 100"]
    assert found.loc[0].tolist() == ["a <b> over c", "✓ reproduced", "✗ not reproduced"]
    assert len(found) == len(table)


def test_a_choice_that_was_not_run_says_so():
    line = {"choice": "hops", "ours": "2", "metric": "recall@10", "tried": "1", "default": NAN,
            "least": NAN, "most": NAN, "differ": "", "n": 0}  # fmt: skip
    lines = [line, line | {"metric": "hit_rate@10", "default": 0.5, "least": 0.4, "most": 0.5,
                           "n": 1200}]  # fmt: skip
    found = verdicts.sensitivity(pd.DataFrame(lines)).iloc[0]
    assert found["recall@10"] == "not run yet"
    assert found["hit_rate@10"] == "0.500 (0.400 to 0.500); no test tells them apart"
    assert found["playlists"] == "1,200"


def test_chance_is_drawn_around_zero():
    _, ax = verdicts.by_chance(np.full(50, 0.1), np.random.default_rng(0), times=200)
    heights = [bar.get_height() for bar in ax.patches]
    assert sum(heights) == 200
    assert ax.lines[0].get_xdata()[0] == pytest.approx(0.1)
    assert ax.texts[0].get_text() == "measured"
