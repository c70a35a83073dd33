"""Hostile configurations and cascades: each asks for much memory or time, or breaks a parser."""

from emorec import resources


def yaml_files() -> dict[str, bytes]:
    """Make hostile YAML files by name."""
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    texts = {
        "alias-bomb": "\n".join([*bomb, "epochs: *a9"]),
        "alias-of-itself": "epochs: &a [*a]",
        "date": "epochs: 2020-13-45",
        "empty-binary-number": "epochs: 0b_",
        "tag-int": "epochs: !!int foo",
        "tag-bool": "epochs: !!bool foo",
        "tag-timestamp": "epochs: !!timestamp foo",
        "tag-python": "epochs: !!python/object/apply:os.system ['true']",
        "brackets": "epochs: " + "[" * 20_000,
        "closed-brackets": "epochs: " + "[" * 20_000 + "]" * 20_000,
        "digits": "epochs: " + "9" * 5000,
        "infinite": "learning_rate: .inf",
        "not-a-number": "learning_rate: .nan",
        "large": "epochs: [" + "1," * 2**20 + "]",
        "flow": "epochs: [" + "[]," * 20_000 + "]",
        "key-of-a-list": "? [a, b]\n: 1",
        "binary": "\x00\x01\x02",
        "merge": "<<: [1]",
    }
    return {name: text.encode() for name, text in texts.items()} | {"latin": b"epochs: caf\xe9"}


def cascade_files() -> dict[str, bytes]:
    """Make hostile cascades by name."""
    text = (resources.folder("cascades") / "haarcascade_frontalface_alt.xml").read_text()
    start = text.index("<opencv_storage>")
    feature = text.index("</internalNodes>")
    node = text.rindex("<internalNodes>", 0, feature) + len("<internalNodes>")
    words = text[node:feature].split()
    words[2] = "900000000"
    indexed = f"{text[:node]}{' '.join(words)}{text[feature:]}"
    stages, features = indexed.index("<stages>"), indexed.index("<features>")
    renamed = indexed[stages:features].replace("<_>", "<x>").replace("</_>", "</x>")
    weak = indexed.replace("<weakClassifiers>\n        <_>", "<weakClassifiers>\n        <x>", 1)
    closing = weak.index("</_>", weak.index("<x>"))
    weak = f"{weak[:closing]}</x>{weak[closing + 4 :]}"
    rectangle = text.index("<rects>") + len("<rects>")
    entities = "<!DOCTYPE a [<!ENTITY a 'x'>" + "".join(
        f"<!ENTITY a{n} '{'&a;' * 10}'>" for n in range(10)
    )
    texts = {
        "renamed-stages": indexed[:stages] + renamed + indexed[features:],
        "renamed-trees": weak,
        "feature-index": indexed,
        "four-rectangles": text[:rectangle] + "<_>0 0 1 1 1.</_>" * 4 + text[rectangle:],
        "entities": entities + "]>" + text[start:],
        "nested": "<a>" * 10**6,
        "many-elements": "<opencv_storage><cascade>"
        + "<_/>" * 10**6
        + "</cascade></opencv_storage>",
        "window": text.replace("<width>20<", "<width>2000000000<"),
        "local-binary-patterns": text.replace(">HAAR<", ">LBP<"),
        "not-a-number": text.replace("<stageThreshold>", "<stageThreshold>nan ", 1),
        "infinite": text.replace("<leafValues>", "<leafValues>1e999 ", 1),
        "many-digits": text.replace("<width>20<", f"<width>{'9' * 10**6}<"),
        "yaml": "%YAML:1.0\ncascade: 1\n",
        "cut": text[: len(text) // 2],
        "large": " " * 5 * 2**20,
    }
    return {name: content.encode() for name, content in texts.items()} | {"binary": b"\xff\xfe\0"}
