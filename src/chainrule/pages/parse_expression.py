"""Reads a line of Python text, such as ``delta1[0]*x[1]``, so that formats can set it as math.

It parses only the syntax that worked examples use, and computes nothing.
"""

import ast

from chainrule.pages.tree import Call, Choice, Expression, Literal, Negation, Operation, Ref, Symbol

SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
NOTHING = 0.0  # a placeholder: renderers of symbols ignore values
DEEPEST = 60  # levels of nesting, because renderers are recursive


def parse_expression(text: str) -> Expression | None:
    """Return a line as an expression without values, or None if it is not one."""
    try:
        return _Reader(text).read(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Reader:
    """Parses one line of Python; names and numbers keep their spelling."""

    def __init__(self, text: str) -> None:
        self.text, self.depth = text, 0

    def read(self, node: ast.expr) -> Expression:
        """Return a part of the line; raise ValueError for syntax that formulas do not have."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise ValueError(self.text)
        found = self._read(node)
        self.depth -= 1
        return found

    def _read(self, node: ast.expr) -> Expression:
        match node:
            case ast.Constant(int() | float()):
                return Literal(NOTHING, self._written(node))
            case ast.Attribute(inner, "T"):
                return Call("transpose", (self.read(inner),), NOTHING)
            case ast.Name() | ast.Subscript(ast.Name()):
                name = self._written(node).replace(" ", "")
                return Symbol(Ref(name, "", (), sampled=False), name, NOTHING)
            case ast.UnaryOp(ast.USub(), operand):
                return Negation(self.read(operand), NOTHING)
            case ast.BinOp(left, sign, right):
                return self._operation(left, sign, right)
            case ast.Compare(left, [sign], [right]):
                return self._operation(left, sign, right)
            case ast.IfExp(test, yes, no):
                return Choice(self.read(test), self.read(yes), self.read(no), NOTHING)
            case ast.Call(ast.Name(name), arguments, []) if arguments:
                return Call(name, tuple(map(self.read, arguments)), NOTHING)
            case _:
                raise ValueError(ast.dump(node))

    def _operation(self, left: ast.expr, sign: ast.AST, right: ast.expr) -> Expression:
        if type(sign) not in SYMBOLS:
            raise ValueError(ast.dump(sign))
        return Operation(SYMBOLS[type(sign)], self.read(left), self.read(right), NOTHING)

    def _written(self, node: ast.expr) -> str:
        return ast.get_source_segment(self.text, node) or ""
