"""Images and videos: finding sources, reading frames, drawing faces, writing videos."""
