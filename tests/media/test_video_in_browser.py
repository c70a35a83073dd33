"""Videos in headless Chromium: they play, with sound."""

from pathlib import Path

import numpy as np
import pytest
from helpers.browser import chromium
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


@pytest.mark.parametrize("program", ["ffmpeg", "PyAV"])
@pytest.mark.parametrize("size_wh", [(320, 240), (163, 121)])
def test_it_plays_with_sound(page, tmp_path: Path, monkeypatch, program, size_wh):
    if program == "ffmpeg" and FFMPEG is None:
        pytest.skip("ffmpeg is not installed")
    hide(monkeypatch, ffmpeg=program != "ffmpeg")
    width, height = size_wh
    with VideoWriter(tmp_path / "a.mp4", 10, TONE) as writer:
        for number in range(10):
            writer.write(np.full((height, width, 3), 20 * number, np.uint8), number / 10)
    (tmp_path / "page.html").write_text("<!doctype html><video src='a.mp4'></video>")
    page.goto((tmp_path / "page.html").as_uri())
    played = page.eval_on_selector("video", _PLAY)
    assert played["error"] is None
    assert played["size"] == [width + width % 2, height + height % 2]
    assert played["time"] == pytest.approx(1, abs=0.15)
    assert played["frames"] >= 5
    assert played["sound"] > 0


def test_mpeg_4_does_not_play(page, tmp_path: Path, monkeypatch):
    """The note about it is true, and the test above can fail."""
    hide(monkeypatch, ffmpeg=True, av=True)
    with VideoWriter(tmp_path / "a.mp4", 10) as writer:
        for number in range(10):
            writer.write(np.full((240, 320, 3), 20 * number, np.uint8), number / 10)
    (tmp_path / "page.html").write_text("<!doctype html><video src='a.mp4'></video>")
    page.goto((tmp_path / "page.html").as_uri())
    with pytest.raises(Exception, match="Error"):
        page.eval_on_selector("video", _PLAY)
