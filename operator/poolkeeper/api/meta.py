"""What every resource shares: the frozen base model, and the small value types of the contract."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A frozen value, camelCase outside and snake_case inside; an unknown field is an error, never a silent loss."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)
