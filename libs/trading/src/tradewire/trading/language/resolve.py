"""From a syntax tree to a resolved one: names looked up, numbers and conditions told apart."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import replace

from tradewire.trading.language.calls import resolve_call
from tradewire.trading.language.constants import fold_arithmetic
from tradewire.trading.language.errors import Diagnostics, did_you_mean, one_of
from tradewire.trading.language.numbers import FUNCTIONS
from tradewire.trading.language.scope import CROSSINGS, VOLATILITY, Scope
from tradewire.trading.language.syntax import MAX_EXPRESSION_CHARS, Expression
from tradewire.trading.language.tree import (
    BAR_FIELDS,
    MAX_DEPTH,
    MAX_NODES,
    Apply,
    Arithmetic,
    Comparison,
    Condition,
    Constant,
    Crossing,
    Field,
    Inverse,
    Junction,
    Negate,
    Number,
    Tree,
    canonical,
    leaves,
    too_large,
)

_ARITHMETIC: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_FORBIDDEN: Mapping[type[ast.AST], tuple[str, str]] = {
    ast.Subscript: ("square brackets are", "for an earlier bar write `shift(x, 1)`"),
    ast.Lambda: ("a lambda is", "use the language's functions"),
    ast.IfExp: ("if/else is", "use `and`, `or`, `not`"),
    ast.NamedExpr: ("an assignment is", "name the series under `indicators`"),
    ast.Tuple: ("a comma here is", "write one expression"),
}

MAX_CHAIN = 32
"""Longest chain of indicators of which each names the next."""


class Resolver:
    """Resolves the nodes of one expression; faults go to the scope's diagnostics and yield None."""

    def __init__(self, expression: Expression, scope: Scope) -> None:
        self._expression = expression
        self.scope = scope

    def text(self, node: ast.expr) -> str:
        """The node's own words, as the author wrote them."""
        return self._expression.source(node)

    def report(self, node: ast.expr, message: str, suggestion: str | None = None) -> None:
        """Note a fault at `node`."""
        self.scope.diagnostics.report(self._expression.position(node), message, suggestion)

    def whole_condition(self) -> Condition | None:
        """The expression as a condition of bounded size."""
        tree = self.condition(self._expression.body)
        return tree if tree is not None and self._fits(tree) else None

    def whole_number(self) -> Number | None:
        """The expression as one number a bar, of bounded size."""
        tree = self.number(self._expression.body)
        return tree if tree is not None and self._fits(tree) else None

    def whole_series(self) -> Number | None:
        """The expression as what a name may stand for: a number, or an indicator with several outputs."""
        tree = self.series(self._expression.body)
        return tree if tree is not None and self._fits(tree) else None

    def _fits(self, tree: Tree) -> bool:
        if too_large(tree):
            limits = f"at most {MAX_NODES} parts and {MAX_DEPTH} levels are allowed, names written out"
            self.report(self._expression.body, f"the expression is too large; {limits}")
            return False
        if any(len(canonical(leaf)) > MAX_EXPRESSION_CHARS for leaf in leaves(tree)):
            most = f"a series has more than {MAX_EXPRESSION_CHARS} characters, names written out"
            self.report(self._expression.body, most)
            return False
        return True

    def condition(self, node: ast.expr) -> Condition | None:
        """The node as a condition; a number there is a fault."""
        tree = self._tree(node)
        if tree is None or isinstance(tree, Comparison | Crossing | Junction | Inverse):
            return tree
        text = self.text(node)
        self.report(node, f"`{text}` is a number where a condition is needed", f"compare it, as `{text} > 0`")
        return None

    def number(self, node: ast.expr) -> Number | None:
        """The node as one number a bar; a condition, or an indicator without a chosen output, is a fault."""
        tree = self.series(node)
        if isinstance(tree, Apply) and not tree.output:
            outputs = self.scope.catalogue[tree.indicator].outputs
            text = self.text(node)
            several = f"`{text}` has the outputs {', '.join(outputs)}; one must be chosen"
            self.report(node, several, f"write `{text}.{outputs[0]}`")
            return None
        return tree

    def series(self, node: ast.expr) -> Number | None:
        """The node as a number, or as an indicator whose output is not chosen yet."""
        tree = self._tree(node)
        if isinstance(tree, Comparison | Crossing | Junction | Inverse):
            text = self.text(node)
            self.report(node, f"`{text}` is a condition where a number is needed")
            return None
        return tree

    def constant(self, node: ast.expr) -> float | None:
        """The node as a number known before any bar."""
        tree = self.number(node)
        if tree is None or isinstance(tree, Constant):
            return tree.value if tree else None
        known = ", ".join(f"`{name}`" for name in self.scope.params)
        text = self.text(node)
        hint = f"write a number or a parameter ({known})" if known else "write a number"
        self.report(node, f"`{text}` changes from bar to bar where a fixed number is needed", hint)
        return None

    def _tree(self, node: ast.expr) -> Tree | None:
        match node:
            case ast.Constant():
                return self._literal(node)
            case ast.Name():
                return self._name(node)
            case ast.Attribute():
                return self._output(node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.Compare():
                return self._comparison(node)
            case ast.BoolOp():
                return self._junction(node)
            case ast.Call():
                return self._call(node)
        what, advice = _FORBIDDEN.get(type(node), (f"`{self.text(node)}` is", None))
        self.report(node, f"{what} not part of the language", advice)
        return None

    def _literal(self, node: ast.Constant) -> Constant | None:
        text = self.text(node)
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            self.report(node, f"`{text}` is not a number", "conditions are comparisons, as `close > open`")
            return None
        try:
            value = float(node.value)
        except OverflowError:
            value = math.inf
        if math.isinf(value):
            self.report(node, f"number {text[:20]} is too large")
            return None
        return Constant(value)

    def _name(self, node: ast.Name) -> Number | None:
        scope, name = self.scope, node.id
        if name in BAR_FIELDS:
            return Field(name)
        if name in scope.params:
            return Constant(scope.params[name] + 0.0)
        if name in scope.indicators:
            return self.named(name, node)
        written = self.text(node)
        if name in scope.resolved:
            return None  # its definition has been reported
        if written in scope.catalogue or written in (*FUNCTIONS, *CROSSINGS, VOLATILITY):
            self.report(node, f"`{written}` is a function", f"call it, as `{written}(…)`")
            return None
        known = [*scope.indicators, *scope.params, *BAR_FIELDS]
        near = did_you_mean(written, known)
        self.report(node, f"unknown name `{written}`", near or f"known here: {', '.join(known)}")
        return None

    def named(self, name: str, node: ast.expr | None = None) -> Number | None:
        """The tree of a named indicator, resolved once; a definition in a circle is reported at `node`."""
        scope = self.scope
        if name in scope.open_names and node is not None:
            circle = " → ".join([*scope.open_names[scope.open_names.index(name) :], name])
            self.report(node, f"indicator `{name}` is defined by itself: {circle}")
            return None
        if len(scope.open_names) >= MAX_CHAIN and node is not None:
            self.report(node, f"a chain of more than {MAX_CHAIN} indicators, each naming the next")
            return None
        if name not in scope.resolved:
            scope.open_names.append(name)
            scope.resolved[name] = Resolver(scope.indicators[name], scope).whole_series()
            scope.open_names.pop()
        return scope.resolved[name]

    def _output(self, node: ast.Attribute) -> Number | None:
        owner = self.series(node.value)
        if owner is None:
            return None
        text = self.text(node.value)
        if not isinstance(owner, Apply) or owner.single or owner.output:
            self.report(node, f"`{text}` is a single number and has no `.{node.attr}`", f"write `{text}`")
            return None
        outputs = self.scope.catalogue[owner.indicator].outputs
        if node.attr not in outputs:
            hint = did_you_mean(node.attr, outputs) or one_of(outputs)
            self.report(node, f"`{owner.indicator}` has no output `{node.attr}`", hint)
            return None
        return Apply(owner.indicator, owner.arguments, owner.params, node.attr, owner.single, owner.interval)

    def _unary(self, node: ast.UnaryOp) -> Tree | None:
        if isinstance(node.op, ast.Not):
            inner = self.condition(node.operand)
            return Inverse(inner) if inner else None
        if not isinstance(node.op, ast.USub | ast.UAdd):
            self.report(node, "`~` is not an operator of the language", "write `not`")
            return None
        operand = self.number(node.operand)
        if operand is None or isinstance(node.op, ast.UAdd):
            return operand
        return Constant(0.0 - operand.value) if isinstance(operand, Constant) else Negate(operand)

    def _arithmetic(self, node: ast.BinOp) -> Number | None:
        symbol = _ARITHMETIC.get(type(node.op))
        if symbol is None:
            text = self.text(node)
            logic = isinstance(node.op, ast.BitAnd | ast.BitOr)
            hint = "write `and` or `or`" if logic else "the operators are + - * /"
            self.report(node, f"the operator in `{text}` is not part of the language", hint)
            return None
        left, right = self.number(node.left), self.number(node.right)
        if left is None or right is None:
            return None
        if isinstance(left, Constant) and isinstance(right, Constant):
            return self.folded(node, fold_arithmetic(symbol, left.value, right.value))
        return Arithmetic(symbol, left, right)

    def folded(self, node: ast.expr, value: float) -> Constant | None:
        """The constant that `node` was computed to; NaN is a fault."""
        if math.isnan(value):
            self.report(node, f"`{self.text(node)}` has no finite value")
            return None
        return Constant(value + 0.0)

    def _comparison(self, node: ast.Compare) -> Condition | None:
        operands = [self.number(operand) for operand in (node.left, *node.comparators)]
        links: list[Condition] = []
        for place, kind in enumerate(node.ops):
            symbol = _COMPARISONS.get(type(kind))
            if symbol is None:
                self.report(node, "`in` and `is` are not part of the language", "compare with < <= > >= == !=")
                return None
            left, right = operands[place], operands[place + 1]
            if left is None or right is None:
                return None
            links.append(Comparison(symbol, left, right))
        return links[0] if len(links) == 1 else Junction("and", tuple(links))

    def _junction(self, node: ast.BoolOp) -> Condition | None:
        items = [self.condition(value) for value in node.values]
        word = "and" if isinstance(node.op, ast.And) else "or"
        flat: list[Condition] = []
        for item in items:
            if item is None:
                return None
            flat.extend(item.items if isinstance(item, Junction) and item.word == word else (item,))
        return Junction("and" if word == "and" else "or", tuple(flat))

    def _call(self, node: ast.Call) -> Tree | None:
        if not isinstance(node.func, ast.Name):
            self.report(node, "only a named function can be called")
            return None
        return resolve_call(self, node, node.func.id)


def condition_at(expression: Expression, scope: Scope, params: Mapping[str, float]) -> Condition | None:
    """The condition that an expression is at other values of parameters; None where it is none there."""
    faulty: dict[str, Number | None] = {name: None for name, tree in scope.resolved.items() if tree is None}
    values = {**scope.params, **params}
    return Resolver(
        expression, replace(scope, params=values, diagnostics=Diagnostics(), resolved=faulty, open_names=[])
    ).whole_condition()
