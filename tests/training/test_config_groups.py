import pytest
from pydantic import BaseModel, ValidationError

from emorec.training import config_groups
from emorec.training.config import TrainConfig
from emorec.training.config_groups import NO_AUGMENTATION, AugmentationConfig

GROUPS = [
    group
    for name, group in vars(config_groups).items()
    if name.endswith("Config") and issubclass(group, BaseModel)
]


def test_no_augmentation_changes_nothing() -> None:
    assert not any(AugmentationConfig(**NO_AUGMENTATION).model_dump().values())


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_is_immutable_and_refuses_unknown_keys(group: type[BaseModel]) -> None:
    settings = group()
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings, next(iter(group.model_fields)), None)
    with pytest.raises(ValidationError, match="Extra inputs"):
        group(no_such_key=1)


def test_each_setting_belongs_to_one_group_with_the_default_of_the_configuration() -> None:
    flat = [group for group in GROUPS if group is not AugmentationConfig]
    names = [name for group in flat for name in group.model_fields]
    assert len(names) == len(set(names))
    whole = TrainConfig().model_dump()
    assert {name: getattr(group(), name) for group in flat for name in group.model_fields} == {
        name: whole[name] for name in names
    }
    assert set(whole) - set(names) == {"batch_size", "seed", "augmentation"}
