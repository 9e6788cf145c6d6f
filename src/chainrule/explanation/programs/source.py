"""Assembles the text of a program from its parts, and writes the lines common to all libraries.

The parts are filled by ``in_numpy`` and ``in_pytorch``.
"""

import ast
import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, TypeAlias

from numpy.typing import NDArray

from chainrule.errors import InputError
from chainrule.explanation.setup import Setup
from chainrule.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseScaling,
    Schedule,
    StepDecay,
    WarmUp,
)
from chainrule.schedules import schedule as as_schedule
from chainrule.visible import visible

Array: TypeAlias = NDArray[Any]

COLUMNS = 96  # the loop indents by four more
LONGEST_LIST = 1_000  # up to this many, rates are written as a list

SHOW = """\
def show(**values):
    for name, value in values.items():
        print(name, "=", value.tolist())"""

# Python integers, so that the programs of all libraries draw the same masks.
MIX = """\
def mix(key):
    key = (key + 0x9E3779B97F4A7C15) % 2**64
    key = (key ^ key >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    key = (key ^ key >> 27) * 0x94D049BB133111EB % 2**64
    return key ^ key >> 31"""
DRAW = """\
def draw(seed, updates, layer, n, units, rate):
    key = mix(mix(mix(seed) + updates) + layer)
    rows = [mix(key + sample) for sample in range(n)]
    return [[int(mix(row + unit) >= int(rate * 2**64)) for unit in range(units)] for row in rows]"""

# The learning rate of update {k}. Other schedules are written as a list of learning rates.
SCHEDULE_FORMULAS: dict[type[Schedule], str] = {
    StepDecay: "{learning_rate} * {factor} ** (({k} - 1) // {every})",
    ExponentialDecay: "{learning_rate} * {factor} ** ({k} - 1)",
    InverseScaling: "{learning_rate} / {k}**{power}",
    CosineDecay: "{final} + ({learning_rate} - {final})"
    " * (1 + math.cos(math.pi * min(({k} - 1) / ({steps} - 1), 1.0))) / 2",
}


@dataclass
class Program:
    """The parts of a program, as lines without indentation.

    Parameters
    ----------
    setup : Setup
    title : str
    library : str
        What it is written in, such as ``"NumPy"``.
    imports : list of str
    data, constants : list of str
        Literals.
    functions : dict of str to str
        By name, in the order in which they stand.
    start, forward, backward, update, carry : list of str
        What one step does, in this order; `carry` follows the output.
    shown : list of list of (str, str)
        What is printed, row by row: a key, and the expression of its value.
    cost : str
        What the program calls the number that it makes small.
    """

    setup: Setup
    title: str
    library: str
    imports: list[str]
    data: list[str] = field(default_factory=list[str])
    constants: list[str] = field(default_factory=list[str])
    functions: dict[str, str] = field(default_factory=dict[str, str])
    start: list[str] = field(default_factory=list[str])
    forward: list[str] = field(default_factory=list[str])
    backward: list[str] = field(default_factory=list[str])
    update: list[str] = field(default_factory=list[str])
    carry: list[str] = field(default_factory=list[str])
    shown: list[list[tuple[str, str]]] = field(default_factory=list[list[tuple[str, str]]])
    cost: str = "loss"

    @property
    def first(self) -> int:
        """The number of the first step."""
        return self.setup.done + 1

    @property
    def last(self) -> str:
        """The program's name for the number of the last step."""
        return "last" if self.setup.done else "steps"

    def add_import(self, line: str) -> None:
        """Add an import once."""
        if line not in self.imports:
            self.imports.append(line)

    def add_function(self, name: str, text: str) -> None:
        """Add a function once; raise InputError for another of the same name."""
        if self.functions.setdefault(name, text) != text:
            raise InputError(
                f"{name}: the program needs two different functions of this name; "
                "rename your own, or give the two activations different names"
            )

    def add_constant(self, name: str, value: float) -> None:
        """Add a named number once."""
        line = f"{name} = {value if isinstance(value, int) else number(value)}"
        if line not in self.constants:
            self.constants.append(line)

    def text(self) -> str:
        """Return the whole program."""
        self.add_function("show", SHOW)
        self._check_names()
        top = [self._heading(), _imports(self.imports), "\n".join(self._top())]
        return "\n\n\n".join(["\n\n".join(top), *self._functions(), self._main()]) + "\n"

    def _functions(self) -> list[str]:
        """Return the functions, with one-line functions in one block."""
        groups = groupby(self.functions.values(), lambda text: "\n" in text)
        return [part for long, texts in groups for part in (texts if long else ["\n".join(texts)])]

    def _heading(self) -> str:
        escaped = visible(" ".join(self.title.split())).replace("\\", "\\\\").replace('"', '\\"')
        first = "\n".join(textwrap.wrap(f"{escaped}, in {self.library} alone.", COLUMNS - 4))
        penalty = "\ndC_ + name has the penalty in it." if self.setup.network.penalty else ""
        return (
            f'"""{first}\n\nRows are samples. d + name is the derivative of the loss by that name, '
            f'and delta that by z.{penalty}\n"""'
        )

    def _check_names(self) -> None:
        """Raise InputError for a custom function with the name of a quantity of the program."""
        lines = [*self.data, *self.constants, *self.start, *self.forward]
        lines += [*self.backward, *self.update]
        own = {target for line in lines for target in re.split(r", ", line.partition(" = ")[0])}
        for name in sorted((own | {"step", self.last}) & set(self.functions)):
            raise InputError(
                f"{name}: a function or number of yours is called as a quantity of the program is; "
                "rename yours"
            )

    def _top(self) -> list[str]:
        count = self.setup.done + self.setup.steps
        note = f"  # step; {self.setup.done} went before" if self.setup.done else ""
        steps = [f"{self.last} = {count}{note}"] if self.setup.rule else []
        return [*self.data, *self.constants, *steps]

    def _main(self) -> str:
        looped = self.setup.rule is not None
        leave = [f"if step > {self.last}:", "    break  # this pass was for the loss afterwards"]
        parts = [
            self.start,
            ["# forward", *self.forward, *(leave if looped else [])],
            ["# backward", *self.backward] if self.backward else [],
            ["# update", *self.update] if self.update else [],
            [*self._output(), *self.carry],
        ]
        body = "\n\n".join("\n".join(part) for part in parts if part)
        if not looped:
            return body
        loop = textwrap.indent(body, "    ")
        numbers = f"range({self.first}, {self.last} + 2)"
        return f"for step in {numbers}:\n{loop}\n\nshow(loss_after={self.cost})"

    def _output(self) -> list[str]:
        lines = [line for row in self.shown if row for line in show_call(row)]
        if self.setup.steps == 1 or self.setup.rule is None:
            return lines
        head = [f"if step in ({self.first}, {self.last}):", '    print("step", step)']
        return [*head, *(f"    {line}" for line in lines)]


# ---- lines --------------------------------------------------------------------------------------


def _imports(lines: Sequence[str]) -> str:
    """Return imports, those of the standard library in a group before the others."""
    standard = [line for line in lines if line.startswith("import math")]
    others = [line for line in lines if line not in standard]
    return "\n\n".join("\n".join(part) for part in (standard, others) if part)


def number(value: float) -> str:
    """Return a number as Python reads it back, bit for bit."""
    return repr(float(value)) if math.isfinite(value) else f'float("{float(value)}")'


def literal(name: str, array: Array, maker: str, comment: str = "", more: str = "") -> list[str]:
    """Return an array as Python source, row by row if it does not fit on one line."""
    note = f"  # {', '.join(part for part in (str(array.shape), comment) if part)}"
    line = f"{name} = {maker}({array.tolist()}{more}){note}"
    if len(line) <= COLUMNS:
        return [line]
    if array.ndim == 1:
        rows = _wrap(", ".join(map(str, array.tolist())) + ",")
    else:
        rows = [f"    {row}," for row in array.tolist()]
    return [f"{name} = {maker}([{note}", *rows, f"]{more})"]


def assign(name: str, text: str, comment: str = "") -> list[str]:
    """Return an assignment, over several lines in parentheses if it is too long for one."""
    note = f"  # {comment}" if comment else ""
    line = f"{name} = {text}{note}"
    return [line] if len(line) <= COLUMNS else [f"{name} = ({note}", *_wrap(text), ")"]


def show_call(row: Iterable[tuple[str, str]]) -> list[str]:
    """Return the call that prints some values."""
    text = ", ".join(f"{key}={value}" for key, value in row)
    line = f"show({text})"
    return [line] if len(line) <= COLUMNS - 4 else ["show(", *_wrap(f"{text},"), ")"]


def define(name: str, parameters: Sequence[str], lines: Iterable[str]) -> str:
    """Return the text of a function."""
    body = textwrap.indent("\n".join(lines), "    ")
    return f"def {name}({', '.join(parameters)}):\n{body}"


def _wrap(text: str) -> list[str]:
    """Return text in indented lines, broken inside as few parentheses as possible."""
    width, lines = COLUMNS - 8, [text]
    for depth in range(4):
        lines = _fill(_pieces(text, depth), width)
        if max(map(len, lines)) <= width:
            break
    return [f"    {line}" for line in lines]


def _pieces(text: str, depth: int) -> list[str]:
    """Split text after commas and before operators inside at most `depth` parentheses."""
    pieces: list[str] = []
    start = 0
    for match in re.finditer(r"(?<=,) | (?=[-+] )| (?=if )| (?=else )", text):
        before = text[: match.start()]
        if sum(map(before.count, "([{")) - sum(map(before.count, ")]}")) <= depth:
            pieces.append(text[start : match.start()])
            start = match.end()
    return [*pieces, text[start:]]


def _fill(pieces: Iterable[str], width: int) -> list[str]:
    lines: list[str] = []
    for piece in pieces:
        if lines and len(lines[-1]) + len(piece) < width:
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return lines


def shape(value: Any) -> str:
    """Return the shape of an array as text for a comment, an empty string for a number."""
    return str(getattr(value, "shape", ())) if getattr(value, "ndim", 0) else ""


def unparse(tree: ast.expr) -> str:
    """Return an expression as text."""
    return ast.unparse(ast.fix_missing_locations(tree))


class Simplify(ast.NodeTransformer):
    """Removes zeros and ones from an expression, where they change nothing."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Simplify an operation, its operands first."""
        self.generic_visit(node)
        return simplified(node)


def simplified(tree: ast.BinOp) -> ast.expr:
    """Return an operation without terms and factors of 0 and without factors of 1."""
    match tree:
        case ast.BinOp(ast.Constant(0), ast.Mult() | ast.Div(), _):
            return ast.Constant(0)
        case ast.BinOp(_, ast.Mult(), ast.Constant(0)):
            return ast.Constant(0)
        case ast.BinOp(ast.Constant(0), ast.Add(), kept) | ast.BinOp(
            ast.Constant(1), ast.Mult(), kept
        ):
            return kept
        case ast.BinOp(kept, ast.Add() | ast.Sub(), ast.Constant(0)) | ast.BinOp(
            kept, ast.Mult() | ast.Div(), ast.Constant(1)
        ):
            return kept
        case ast.BinOp(ast.Constant(0), ast.Sub(), ast.expr() as kept):
            return ast.UnaryOp(ast.USub(), kept)
        case _:
            return tree


# ---- values that change between steps -----------------------------------------------------------


def scheduled(setup: Setup) -> bool:
    """Return whether the learning rate follows a schedule."""
    return setup.rule is not None and isinstance(setup.rule.learning_rate, Schedule)


def rate_lines(program: Program) -> list[str]:
    """Return the line that sets the learning rate of a step, none if it is constant."""
    rule = program.setup.rule
    if rule is None or not isinstance(rule.learning_rate, Schedule):
        return []
    count = program.setup.steps
    text = schedule_text(rule.learning_rate, "step", range(program.first, program.first + count))
    if "math." in text:
        program.add_import("import math")
    return assign("learning_rate", text)


def schedule_text(schedule: Schedule, k: str, updates: range) -> str:
    """Return the rate of update `k`, one of some, as an expression: a formula, or a list."""
    if isinstance(schedule, WarmUp):
        return _warm_up(schedule, k, updates)
    if type(schedule) in SCHEDULE_FORMULAS:
        formula = SCHEDULE_FORMULAS[type(schedule)].format(k=k, **vars(schedule))
        return unparse(Simplify().visit(ast.parse(formula, mode="eval").body))
    rates = [float(schedule(update)) for update in updates[:LONGEST_LIST]]
    if len(set(rates)) == 1:
        return number(rates[0])
    if len(updates) > LONGEST_LIST:
        raise InputError(
            f"steps={len(updates)}: the rates of {type(schedule).__name__} would be a list longer "
            f"than {LONGEST_LIST}; take fewer steps, or one of chainrule's own schedules"
        )
    return f"{rates}[{k} - {updates[0]}]"


def _warm_up(schedule: WarmUp, k: str, updates: range) -> str:
    then = as_schedule(schedule.then)
    rise = f"{number(then(1))} * {k} / {schedule.steps}"
    after = range(max(1, updates[0] - schedule.steps), max(2, updates[-1] + 1 - schedule.steps))
    return f"{rise} if {k} <= {schedule.steps} else " + schedule_text(
        then, f"({k} - {schedule.steps})", after
    )


def mask_lines(program: Program, name: str, place: int, maker: str) -> list[str]:
    """Return the lines that draw a dropout layer's mask for a step; add what they call."""
    setup = program.setup
    layer: Any = setup.network.layers[place]
    program.add_function("mix", MIX)
    program.add_function("draw", DRAW)
    program.add_constant("seed", setup.seed)
    units = setup.network.widths[place + 1]
    mask = f"draw(seed, min(step, {program.last}) - 1, {place}, n, {units}, {layer.rate})"
    return ["# the last pass keeps the mask of the step before", f"{name} = {maker}({mask})"]
