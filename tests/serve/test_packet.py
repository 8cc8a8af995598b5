"""How a survey's record is told."""

from gueststar.serve.portal.packet import extent, holds


def test_what_is_null_all_through_says_so():
    orbit = {"mpc": None, "of": {"q": None}, "more": [], "n": [None]}
    assert not holds(orbit)
    assert extent(orbit) == "4 fields, all null"
    assert holds({"flag": False})
    assert holds({"of": {"q": 0.0}})
    assert extent([{"a": None}, {"a": 1}]) == "2 rows"
