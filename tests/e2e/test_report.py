"""What a run leaves for people and machines: the figures of its summary, report.json, metrics."""

from __future__ import annotations

import json
import os
import re

import pytest

from pipeline.report import RunReport
from tests.harness import tree
from tests.harness.command import Shop


@pytest.mark.parametrize("words", [(), ("--batches=3",), ("--batches=3", "--bwlimit=100000"), ("--verify",)])
def test_the_figures_are_the_same_however_a_tree_travels(shop: Shop, words: tuple[str, ...]) -> None:
    content = {b"f%d" % number: b"x" * 1000 for number in range(20)}
    tree.build(shop.at("src"), {b"d%d" % number: {**content, b"e": {}} for number in range(4)})
    for number in range(10):
        os.symlink("f1", shop.at(f"src/d1/link{number}"))
    done = shop.parsync(*words, "--id=x", "src/", "dst", fine=bool(words))
    assert done.code == 0, done
    assert re.search(r"source   90 files, 9 directories, 80\.0 kB\ncopied   90 files, 80\.0 kB\n", done.out), done.out


@pytest.mark.root
@pytest.mark.parametrize("words", [(), ("--batches=3",), ("--batches=3", "--bwlimit=100000")])
def test_a_file_that_could_not_be_read_is_not_counted_as_copied(anyone: Shop, words: tuple[str, ...]) -> None:
    if anyone.user is None:
        pytest.skip("root may read everything")
    tree.build(anyone.at("src"), {b"d%d" % number: {b"f": b"x" * 1000, b"g": b"y" * 500} for number in range(4)})
    os.chmod(anyone.at("src/d1/f"), 0)
    done = anyone.parsync(*words, "src/", "dst", fine=bool(words))
    assert done.code == 23, done
    assert "copied   7 files, 5.0 kB" in done.out, done.out


def test_the_report_is_plain_json_with_the_documented_fields(shop: Shop) -> None:
    tree.build(shop.at("src"), {b"a": b"1", b"b\xff": b"2"})
    assert shop.parsync("--id=x", "src/", "dst").code == 0
    with open(shop.at("home/state/parsync/x/report.json"), encoding="utf-8") as file:
        report = json.load(file)
    assert list(report) == list(RunReport.__struct_fields__)
    assert (report["files"], report["transferred"], report["exit_code"]) == (2, 2, 0)
