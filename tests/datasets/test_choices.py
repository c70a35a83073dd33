"""The values of options: the command line offers exactly those of the library."""

from emorec.cli.prepare_data import prepare_data
from emorec.datasets.choices import FRAMES, LINKS, SEVERAL, VOTE_FILES
from emorec.datasets.prepare_options import face_modes
from emorec.datasets.readers.registry import LAYOUTS
from emorec.labels import POLICIES
from emorec.types import ALIGNMENTS


def test_the_command_offers_every_choice() -> None:
    choices = {p.name: p.type.choices for p in prepare_data.params if hasattr(p.type, "choices")}
    assert {name: tuple(known) for name, known in choices.items()} == {
        "policy": POLICIES,
        "classes": ("7", "8"),
        "layout": tuple(LAYOUTS),
        "votes": VOTE_FILES,
        "link": LINKS,
        "faces": face_modes(),
        "frames": FRAMES,
        "several": SEVERAL,
        "align": ALIGNMENTS,
    }
