"""The published data sets that emorec reads: sources, terms of use and prepare commands."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A data set as published.

    Attributes:
        name: Common name.
        holds: Its images and labels.
        places: Addresses where it is published.
        terms: Terms of use in short; the publisher's own text is binding.
        size: Size of the download and number of images.
        looks_like: Files on disk after the download.
        command: Command that prepares it.
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
        terms="terms of the challenge, for research; the photos belong to third parties",
        size="about 300 MB (100 MB compressed), 35,887 images",
        looks_like="fer2013.csv or icml_face_data.csv; also as .gz or .zip, or train.csv and "
        "test.csv",
        command="emorec prepare-data fer2013.csv --out FER-2013",
    ),
    Published(
        name="FER-2013, folders",
        holds="the same images; PublicTest and PrivateTest are merged in test/",
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
        looks_like="CK+48/anger/S010_004_00000017.png, possibly inside ck/",
        command="emorec prepare-data CK+48 --classes 8 --out CKPLUS",
    ),
    Published(
        name="Your own folders",
        holds="any images; --keep-labels keeps labels that are not emotions",
        places=(),
        terms="yours",
        size="any",
        looks_like="faces/happy/1.jpg, faces/sad/2.jpg and so on",
        command="emorec prepare-data faces --out DATA",
    ),
    Published(
        name="Your own list",
        holds="a CSV file with the columns path, label and, optionally, split and group",
        places=(),
        terms="yours",
        size="any",
        looks_like="faces/list.csv, with paths relative to faces/",
        command="emorec prepare-data faces/list.csv --out DATA",
    ),
)
