"""Name what a program trains so that the parameters of one update in a loop have different names.

A program may update ``params[key]`` or ``layer.W`` for every key or layer. They are named by the
key's value, by what the program called them when it created them, or by their numbers.
"""

from collections.abc import Sequence

from chainrule.diagnosis.tracing.gradients import Group
from chainrule.diagnosis.tracing.parameters import Parameter
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Event


def give_names(
    trace: Trace, parameters: Sequence[Parameter], sources: Sequence[Parameter], groups: list[Group]
) -> None:
    """Give groups of parameters that are updated at one place different names.

    Parameters
    ----------
    trace : Trace
    parameters : sequence of Parameter
        Those of the iteration that is judged first.
    sources : sequence of Parameter
        The same ones where the program created them.
    groups : list of Group
    """
    for group in groups:
        group.name = _keyed(trace, parameters, group)
    alike: dict[str, list[Group]] = {}
    for group in groups:
        alike.setdefault(group.name, []).append(group)
    for name, several in alike.items():
        if len(several) > 1:
            created = [_created(trace, sources, group) for group in several]
            distinct = len(set(created)) == len(created) and all(created)
            order = sorted(several, key=lambda g: trace.at[_origin(parameters, sources, g)])
            numbers = {id(group): f"{name} ({i})" for i, group in enumerate(order, 1)}
            for group, new in zip(several, created, strict=True):
                group.name = new if distinct else numbers[id(group)]
    for group in groups:
        for entry in group.entries:
            if parameters[entry.parameter].size > 1 or len(group.entries) == 1:
                parameters[entry.parameter].name = group.name


def _keyed(trace: Trace, parameters: Sequence[Parameter], group: Group) -> str:
    """Return the name of a group with the keys of its element in a container, if it is one."""
    used = {e.parameter for e in group.entries}
    if len(used) > 1:
        return group.name
    return trace.base.names.get(parameters[used.pop()].after, group.name)


def _origin(parameters: Sequence[Parameter], sources: Sequence[Parameter], group: Group) -> Event:
    """Return where the first number of a group was created."""
    return (sources or parameters)[group.entries[0].parameter].origin


def _created(trace: Trace, sources: Sequence[Parameter], group: Group) -> str:
    """Return what the program called an array when it created it, or an empty string."""
    used = {e.parameter for e in group.entries}
    if len(used) > 1 or max(used) >= len(sources):
        return ""
    return trace.place(sources[used.pop()].origin).name
