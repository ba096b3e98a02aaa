"""What the deployments of LiteLLM's config.yaml refer to by name: credentials, other groups, the groups behind them."""

from collections.abc import Mapping, Sequence

from poolkeeper.migration.imported import Json, as_list, as_object


def credentials_of(document: Json) -> dict[str, Json]:
    listed = [as_object(one) for one in as_list(document.get("credential_list"))]
    return {str(one.get("credential_name")): as_object(one.get("credential_values")) for one in listed}


def with_credential(place: str, params: Json, credentials: Mapping[str, Json], notes: list[str]) -> Json:
    """The values of the credential that it names, below its own."""
    name = params.get("litellm_credential_name")
    if not name:
        return params
    if str(name) not in credentials:
        notes.append(f"{place}.litellm_params.litellm_credential_name: seen {name}, which is not in credential_list")
    own = {key: value for key, value in params.items() if key != "litellm_credential_name"}
    return {**credentials.get(str(name), {}), **own}


def fallbacks_of(settings: Json, names: list[str], notes: list[str]) -> dict[str, list[str]]:
    """Group -> the groups behind it, in their order."""
    found: dict[str, list[str]] = {}
    for entry in as_list(settings.get("fallbacks")):
        for name, lowers in as_object(entry).items():
            found[str(name)] = _known(f"fallbacks of {name}", as_list(lowers), names, notes)
    return found


def with_default(
    fallbacks: Mapping[str, list[str]], settings: Json, names: list[str], notes: list[str]
) -> dict[str, list[str]]:
    """Behind a group that has none of its own: those that are behind all."""
    default = _known("default_fallbacks", as_list(settings.get("default_fallbacks")), names, notes)
    return {**{name: [lower for lower in default if lower != name] for name in names}, **fallbacks}


def aliases_of(settings: Json) -> dict[str, str]:
    """Another name for a group -> the group."""
    found = as_object(settings.get("model_group_alias"))
    return {str(name): str(as_object(group).get("model") or group) for name, group in found.items()}


def _known(place: str, lowers: Sequence[object], names: list[str], notes: list[str]) -> list[str]:
    for lower in lowers:
        if lower not in names:
            seen = lower if isinstance(lower, str) else "an object"
            notes.append(f"{place}: seen {seen}, wanted the model_name of a deployment: left out")
    return [str(lower) for lower in lowers if lower in names]
