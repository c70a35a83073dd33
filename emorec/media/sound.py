"""Adds the sound of a video to a copy of its frames."""

import subprocess

from emorec.atomic_files import replace_path, temporary_file
from emorec.child_process import own_group
from emorec.media.video_encoders import last_line
from emorec.media.video_programs import Sound, installed_programs

NO_PROGRAM = "no program copies it"

_TIMEOUT_S = 3600


def add_sound(sound: Sound) -> str | None:
    """Replace a video by a copy with sound.

    Sound is copied if the container takes its codec and, in MP4 and MOV files, browsers play it;
    else it is encoded as AAC. What describes the source, such as the place of the recording, is not
    copied. A source without sound leaves the video without.

    Args:
        sound: The video, which is replaced once the copy is complete, and its sound.

    Returns:
        Why the video lacks the sound, `NO_PROGRAM` if none is installed; None if it has it.
    """
    programs = installed_programs()
    if not programs:
        return NO_PROGRAM
    reason = ""
    try:
        with temporary_file(sound.video) as with_sound:
            for program in programs:
                for command in program.adding_sound(sound, with_sound):
                    # Ctrl-C ends the video early and must not end the program as well.
                    done = subprocess.run(
                        command,
                        stdin=subprocess.DEVNULL,
                        capture_output=True,
                        timeout=_TIMEOUT_S,
                        check=False,
                        **own_group(),
                    )
                    if done.returncode == 0:
                        replace_path(with_sound, sound.video)
                        return None
                    reason = f"{program.name} failed to copy it ({last_line(done.stderr)})"
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = f"it could not be copied ({error})"
    return reason
