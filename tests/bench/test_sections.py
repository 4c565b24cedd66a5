from tests.bench.sections import kept, put

PAGE = "# Measurements\n\nintro\n\n## S1\n\nrows\n\n## What this does not show\n\n- much\n"


def test_a_section_is_put_before_the_last_and_takes_its_own_place_later():
    first = put(PAGE, "## Mixes\n\nold\n")
    assert first.index("rows") < first.index("## Mixes") < first.index("## What this")
    second = put(put(first, "## Soak\n\nlong\n"), "## Mixes\n\nnew")
    assert "old" not in second
    assert second.index("new") < second.index("## Soak") < second.index("## What this")
    assert put(second, "## Mixes\n\nnew\n") == second


def test_a_page_written_anew_keeps_what_is_measured_apart_and_nothing_else():
    before = put(put(PAGE, "## Mixes\n\nfirst\n"), "## Soak\n\nlong\n")
    anew = PAGE.replace("rows", "other rows")
    page = kept(anew, before)
    assert page == put(put(anew, "## Mixes\n\nfirst\n"), "## Soak\n\nlong\n")
    assert page.count("## S1") == 1
    assert kept(anew, "") == anew
