import pytest

from gueststar import registry
from gueststar.contracts import Sink, Source
from gueststar.errors import BadModule


@pytest.mark.parametrize("group", registry.GROUPS)
def test_every_built_in_can_be_imported(group):
    assert registry.names(group)
    for name in registry.names(group):
        assert callable(registry.load(group, name))


def test_unknown_names_list_what_there_is():
    with pytest.raises(BadModule, match=r"Did you mean 'store'\? Known: .*memory"):
        registry.load("sinks", "stor")


def test_built_ins_keep_the_contracts():
    assert issubclass(registry.load("sources", "memory"), Source)
    assert issubclass(registry.load("sinks", "memory"), Sink)
