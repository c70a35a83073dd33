"""Random faces in random images, for tests of what is drawn beside them."""

import random
from collections.abc import Iterator

from emorec.types import Box


def random_layouts(count: int, seed: int = 0) -> Iterator[tuple[tuple[int, int], list[Box]]]:
    """Yield sizes of images of 100 to 2000 pixels, and 1 to 30 faces in each.

    Some faces overlap each other, and some cross the border of the image.
    """
    draw = random.Random(seed)
    for _ in range(count):
        width, height = (round(100 * 20 ** draw.random()) for _ in range(2))
        number = round(30 ** draw.random())
        usual = max(min(width, height) * draw.uniform(0.2, 0.8) / number**0.5, 10)
        boxes = []
        for _ in range(number):
            side = round(usual * draw.uniform(0.6, 1.5))
            x = draw.randint(-side // 4, width - side * 3 // 4)
            y = draw.randint(-side // 4, height - side * 3 // 4)
            boxes.append(Box(x, y, side, round(side * draw.uniform(0.9, 1.3))))
        yield (width, height), boxes
