"""Videos in headless Chromium: they play, with sound."""

from pathlib import Path

import numpy as np
import pytest
from helpers.browser import chromium
from helpers.detect_command import MovingDetector, enter_workplace, run
from helpers.video_tools import FFMPEG, hide

from emorec.media.video_writer import VideoWriter

pytestmark = pytest.mark.slow

TONE = Path(__file__).parent / "videos" / "turned.mp4"
"""A second with a tone."""

_PLAY = """async (video) => {
  const failed = new Promise((_, reject) => {
    video.onerror = () => reject(new Error(video.error.message));
  });
  const ended = new Promise((resolve) => { video.onended = resolve; });
  await Promise.race([video.play(), failed]);
  await Promise.race([ended, failed]);
  return {
    size: [video.videoWidth, video.videoHeight],
    time: video.currentTime,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
    sound: video.webkitAudioDecodedByteCount,
    error: video.error,
  };
}"""


@pytest.fixture(scope="module")
def page():
    with chromium("--autoplay-policy=no-user-gesture-required") as browser:
        yield browser.new_page()


@pytest.fixture(params=["ffmpeg", "PyAV"])
def program(request, monkeypatch) -> str:
    if request.param == "ffmpeg" and FFMPEG is None:
        pytest.skip("ffmpeg is not installed")
    hide(monkeypatch, ffmpeg=request.param == "PyAV", av=request.param == "ffmpeg")
    return request.param


def play(page, video: Path) -> dict:
    """Play a video to its end."""
    target = video.with_suffix(".html")
    target.write_text(f"<!doctype html><video src='{video.name}'></video>")
    page.goto(target.absolute().as_uri())
    return page.eval_on_selector("video", _PLAY)


def check_played(played: dict, size_wh: tuple[int, int]) -> None:
    """Check that a second was played, with sound."""
    assert played["error"] is None
    assert played["size"] == list(size_wh)
    assert played["time"] == pytest.approx(1, abs=0.15)
    assert played["frames"] >= 5
    assert played["sound"] > 0


@pytest.mark.parametrize("blur", [(), ("--blur", "pixelate")])
def test_the_video_of_detect(page, program, tmp_path: Path, monkeypatch, blur):
    enter_workplace(tmp_path, monkeypatch, MovingDetector)
    assert run(str(TONE), *blur).exit_code == 0
    check_played(play(page, Path("turned-emotions.mp4")), (48, 64))


def test_an_odd_size(page, program, tmp_path: Path):
    with VideoWriter(tmp_path / "a.mp4", 10, TONE) as writer:
        for number in range(10):
            writer.write(np.full((121, 163, 3), 20 * number, np.uint8), number / 10)
    check_played(play(page, tmp_path / "a.mp4"), (164, 122))


def test_mpeg_4_does_not_play(page, tmp_path: Path, monkeypatch):
    """The note about it is true, and the tests above can fail."""
    hide(monkeypatch, ffmpeg=True, av=True)
    with VideoWriter(tmp_path / "a.mp4", 10) as writer:
        for number in range(10):
            writer.write(np.full((240, 320, 3), 20 * number, np.uint8), number / 10)
    with pytest.raises(Exception, match="Error"):
        play(page, tmp_path / "a.mp4")
