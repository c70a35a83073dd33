from pathlib import Path

import pytest
from helpers.example_records import ExampleModel
from helpers.onnx_models import METADATA, write_tiny_model
from helpers.stub_detectors import BrightDetector

from emorec.inference.classifier import EmotionClassifier
from emorec.inference.recognizer import EmotionRecognizer
from emorec.labels import EMOTIONS_7
from emorec.outputs.base import RecordFormat, ReportingModel
from emorec.outputs.jsonl_format import JsonLinesWriter, jsonl_groups


@pytest.mark.parametrize(("read_groups", "resumes"), [(None, False), (jsonl_groups, True)])
def test_what_a_format_supports(read_groups, resumes: bool):
    row = RecordFormat("x", "Write x", lambda *a: JsonLinesWriter(a[0]), read_groups=read_groups)
    assert (row.prints, row.resumes) == (True, resumes)


def test_a_recognizer_is_a_reporting_model(tmp_path: Path):
    classifier = EmotionClassifier(write_tiny_model(tmp_path / "tiny.onnx"))
    models: list[ReportingModel] = [EmotionRecognizer(BrightDetector(), classifier), ExampleModel()]
    assert [model.metadata for model in models] == [METADATA, METADATA]
    assert models[0].labels == EMOTIONS_7
