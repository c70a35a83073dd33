import re

import measure_installation
import pytest


@pytest.mark.slow
def test_an_extra_adds_to_the_packages_and_their_size(capsys: pytest.CaptureFixture[str]) -> None:
    measure_installation.main()
    lines = capsys.readouterr().out.splitlines()
    found = [re.fullmatch(r"(\S+) +(\d+) packages +([\d,]+) MB", line) for line in lines]
    assert [row and row[1] for row in found] == [
        "emorec",
        "emorec[app]",
        "emorec[plots]",
        "emorec[video]",
        "emorec[tables]",
        "emorec[train]",
        "emorec[dev]",
    ]
    for column in (2, 3):
        values = [int(row[column].replace(",", "")) for row in found if row]
        assert 0 < values[0] < min(values[1:])
        assert values[-1] == max(values)
