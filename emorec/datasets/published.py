"""Where each data set that emorec reads is published, under what terms, and how to prepare it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A data set as its users find it.

    Attributes:
        name: What people call it.
        holds: Its images and labels.
        places: Where it is published.
        terms: What its publishers allow, in short; their own words decide.
        size: Of the download, and how many images.
        looks_like: What lies on disk after the download.
        command: Prepares it.
    """

    name: str
    holds: str
    places: tuple[str, ...]
    terms: str
    size: str
    looks_like: str
    command: str


PUBLISHED = (
    Published(
        name="FERPlus (FER+)",
        holds="ten people's votes on each FER-2013 image: eight emotions, unknown, not a face",
        places=("https://github.com/microsoft/FERPlus",),
        terms="votes: MIT licence; the images are those of FER-2013",
        size="1.6 MB of votes for 35,887 images; the images come with fer2013.csv",
        looks_like="FERPlus/fer2013new.csv beside fer2013.csv (no PNG folders are needed)",
        command="emorec prepare-data fer2013.csv --ferplus-csv FERPlus/fer2013new.csv "
        "--out FER-2013",
    ),
    Published(
        name="FER-2013, CSV",
        holds="48x48 grey faces from web searches with one label each, seven emotions",
        places=(
            "https://www.kaggle.com/competitions/"
            "challenges-in-representation-learning-facial-expression-recognition-challenge",
            "https://www.kaggle.com/datasets/deadskull7/fer2013",
        ),
        terms="of the challenge, for research; the photos belong to others",
        size="about 300 MB (100 MB packed), 35,887 images",
        looks_like="fer2013.csv or icml_face_data.csv; also as .gz or .zip, or train.csv and "
        "test.csv",
        command="emorec prepare-data fer2013.csv --out FER-2013",
    ),
    Published(
        name="FER-2013, folders",
        holds="the same images; PublicTest and PrivateTest are mixed in test/",
        places=("https://www.kaggle.com/datasets/msambare/fer2013",),
        terms="as above",
        size="about 60 MB, 28,709 images in train/ and 7,178 in test/",
        looks_like="archive.zip, or train/angry/Training_3908.jpg and so on",
        command="emorec prepare-data archive.zip --out FER-2013",
    ),
    Published(
        name="CK+ (CK+48)",
        holds="posed expressions of 118 people, the last three frames of each of 327 sequences",
        places=("https://www.kaggle.com/datasets/shawon10/ckplus",),
        terms="CK+ is for non-commercial research under an agreement with its authors",
        size="a few MB, 981 images of 48x48",
        looks_like="CK+48/anger/S010_004_00000017.png, perhaps inside of ck/",
        command="emorec prepare-data CK+48 --classes 8 --out CKPLUS",
    ),
    Published(
        name="Your own folders",
        holds="whatever you put there; --keep-labels takes labels that are no emotions",
        places=(),
        terms="yours",
        size="any",
        looks_like="faces/happy/1.jpg, faces/sad/2.jpg and so on",
        command="emorec prepare-data faces --out DATA",
    ),
    Published(
        name="Your own list",
        holds="a CSV file with the columns path, label and, if wanted, split and group",
        places=(),
        terms="yours",
        size="any",
        looks_like="faces/list.csv, whose paths start in faces/",
        command="emorec prepare-data faces/list.csv --out DATA",
    ),
)
