"""The published data sets that emorec reads: sources, terms of use and prepare commands."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A data set as published.

    Attributes:
        key: Short name; that of its layout, where one layout is for this data set alone.
        name: Common name.
        holds: Its images and labels.
        places: Addresses where it is published.
        terms: Terms of use in short; the publisher's own text is binding.
        size: Size of the download and number of images.
        looks_like: Files on disk after the download.
        command: Command that prepares it.
    """

    key: str
    name: str
    holds: str
    places: tuple[str, ...]
    terms: str
    size: str
    looks_like: str
    command: str


PUBLISHED = (
    Published(
        key="ferplus",
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
        key="fer2013-csv",
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
        key="fer2013-folders",
        name="FER-2013, folders",
        holds="the same images; PublicTest and PrivateTest are merged in test/",
        places=("https://www.kaggle.com/datasets/msambare/fer2013",),
        terms="as above",
        size="about 60 MB, 28,709 images in train/ and 7,178 in test/",
        looks_like="archive.zip, or train/angry/Training_3908.jpg and so on",
        command="emorec prepare-data archive.zip --out FER-2013",
    ),
    Published(
        key="ckplus",
        name="CK+ (CK+48)",
        holds="posed expressions of 118 people, the last three frames of each of 327 sequences",
        places=("https://www.kaggle.com/datasets/shawon10/ckplus",),
        terms="CK+ is for non-commercial research under an agreement with its authors",
        size="a few MB, 981 images of 48x48",
        looks_like="CK+48/anger/S010_004_00000017.png, possibly inside ck/",
        command="emorec prepare-data CK+48 --classes 8 --out CKPLUS",
    ),
    Published(
        key="ckplus-sequences",
        name="CK+, sequences",
        holds="whole sequences of 123 people from the neutral face to the peak; 327 of 593 have "
        "an emotion",
        places=("https://www.jeffcohn.net/Resources/",),
        terms="non-commercial research, under an agreement with its authors",
        size="593 sequences",
        looks_like="cohn-kanade-images/S005/001/S005_001_00000011.png and "
        "Emotion/S005/001/S005_001_00000011_emotion.txt",
        command="emorec prepare-data CK+ --frames last3 --classes 8 --out CKPLUS",
    ),
    Published(
        key="affectnet",
        name="AffectNet, folders",
        holds="faces from web searches, eight expressions; valence and arousal are not used",
        places=("http://mohammadmahoor.com/pages/databases/affectnet/",),
        terms="research only, under a licence agreement that lab managers or professors sign",
        size="about 288,000 images of training and 4,000 of validation",
        looks_like="train_set/images/0.jpg, train_set/annotations/0_exp.npy and val_set/",
        command="emorec prepare-data AffectNet --classes 8 --out AFFECTNET",
    ),
    Published(
        key="affectnet-csv",
        name="AffectNet, lists",
        holds="photos as found, with boxes and landmarks of the faces; eight expressions, none, "
        "uncertain and no face",
        places=("http://mohammadmahoor.com/pages/databases/affectnet/",),
        terms="as above",
        size="about 440,000 annotated images",
        looks_like="training.csv, validation.csv and Manually_Annotated_Images/1/x.jpg",
        command="emorec prepare-data AffectNet --classes 8 --out AFFECTNET",
    ),
    Published(
        key="rafdb",
        name="RAF-DB, basic",
        holds="faces from web searches, seven emotions, each labelled by about 40 people",
        places=("http://www.whdeng.cn/RAF/model1.html",),
        terms="non-commercial research only, on request",
        size="15,339 images: 12,271 of training and 3,068 of test",
        looks_like="EmoLabel/list_patition_label.txt and Image/aligned/train_00001_aligned.jpg",
        command="emorec prepare-data RAF-DB/basic --out RAFDB",
    ),
    Published(
        key="expw",
        name="ExpW",
        holds="photos from web searches with boxes of their faces, seven emotions, no splits",
        places=("http://mmlab.ie.cuhk.edu.hk/projects/socialrelation/index.html",),
        terms="see its page; the photos belong to third parties",
        size="91,793 faces, over 8 GB",
        looks_like="label.lst and image/angry_actor_104.jpg",
        command="emorec prepare-data ExpW --out EXPW",
    ),
    Published(
        key="afew",
        name="AFEW",
        holds="clips of movies, seven emotions; emorec reads frames that you extract from them",
        places=("https://cs.anu.edu.au/few/",),
        terms="research only, under an agreement with its authors; the movies belong to third "
        "parties",
        size="773 clips of training and 383 of validation (AFEW 7.0)",
        looks_like="Train_AFEW/Angry/000046280/0001.png, with the frames of Train_AFEW/Angry/"
        "000046280.avi",
        command="emorec prepare-data AFEW --out AFEW-faces",
    ),
    Published(
        key="sfew",
        name="SFEW 2.0",
        holds="single frames of AFEW, seven emotions; the labels of test are not published",
        places=("https://cs.anu.edu.au/few/",),
        terms="as for AFEW",
        size="958 images of training, 436 of validation and 372 of test",
        looks_like="Train/Angry/x.png and Val/Angry/x.png, or Train_Aligned_Faces/Angry/x.png",
        command="emorec prepare-data SFEW --out SFEW-faces",
    ),
    Published(
        key="jaffe",
        name="JAFFE",
        holds="posed expressions of ten Japanese women, seven emotions",
        places=("https://zenodo.org/records/3451524",),
        terms="non-commercial scientific research only, on request",
        size="213 images of 256x256",
        looks_like="jaffe/KA.AN1.39.tiff",
        command="emorec prepare-data jaffe --out JAFFE",
    ),
    Published(
        key="kdef",
        name="KDEF",
        holds="posed expressions of 70 people from five angles, twice each, seven emotions",
        places=("https://kdef.se/",),
        terms="researchers only, for non-commercial purposes; may not be passed on",
        size="4,900 images of 562x762; 2,940 without the full profiles",
        looks_like="KDEF/AF01/AF01ANS.JPG",
        command="emorec prepare-data KDEF --out KDEF-faces",
    ),
    Published(
        key="hf",
        name="Hugging Face datasets",
        holds="any data set with a column of images and one of labels; needs the extra hf",
        places=("https://huggingface.co/datasets",),
        terms="those of each data set",
        size="any",
        looks_like="data/train-00000-of-00001.parquet, or nothing: then it is downloaded",
        command="emorec prepare-data hf:OWNER/NAME --out DATA",
    ),
    Published(
        key="folders",
        name="Your own folders",
        holds="any images; --keep-labels keeps labels that are not emotions",
        places=(),
        terms="yours",
        size="any",
        looks_like="faces/happy/1.jpg, faces/sad/2.jpg and so on",
        command="emorec prepare-data faces --out DATA",
    ),
    Published(
        key="csv",
        name="Your own list",
        holds="a CSV file with the columns path, label and, optionally, split and group",
        places=(),
        terms="yours",
        size="any",
        looks_like="faces/list.csv, with paths relative to faces/",
        command="emorec prepare-data faces/list.csv --out DATA",
    ),
)
