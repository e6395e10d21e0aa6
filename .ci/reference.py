"The site's reference: a module's page from its source, and the command's page from its own help."
import ast
import io
import re
import tokenize

import typer
from typer.cli import get_docs_for_click

ANCHORED = (ast.FunctionDef, ast.ClassDef)


def row(*cells):
    "A row of a Markdown table."
    return f"| {' | '.join(cells)} |"


def words(comment):
    "A comment in a cell of a table, where bars and angles outside of code mean something else."
    parts = comment.split("`")
    parts[::2] = [part.replace("|", "&#124;").replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts)


def code(node):
    "A piece of source as code, which may hold a bar even in a table; nothing of nothing."
    return f"`{ast.unparse(node)}`" if node else ""


def comments_by_line(source):
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}


def parameters(function, comments):
    "A row for each parameter of a function: its name, type, default, and the comment beside it."
    args = function.args
    positional = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(positional) - len(args.defaults)) + args.defaults
    pairs = [*zip(positional, defaults, strict=True), *zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    pairs += [(arg, None) for arg in (args.vararg, args.kwarg) if arg]
    last = {arg.end_lineno: arg for arg, _ in pairs}   # of each line: the comment is its own
    end = function.returns.lineno if function.returns else 0   # a comment there is the result's
    for arg, default in pairs:
        star = "*" if arg is args.vararg else "**" if arg is args.kwarg else ""
        on_its_line = arg.lineno > function.lineno or (end > arg.end_lineno and last[arg.end_lineno] is arg)
        comment = comments.get(arg.end_lineno, "") if on_its_line else ""
        if arg.arg not in {"self", "cls"}:
            yield row(f"`{star}{arg.arg}`", code(arg.annotation), code(default), words(comment))


def fields(node, comments):
    "A row for each field of a dataclass or a named tuple."
    for n in node.body:
        if isinstance(n, ast.AnnAssign):
            yield row(code(n.target), code(n.annotation), code(n.value), words(comments.get(n.end_lineno, "")))


def table(name, rows):
    "The rows under a head; nothing of no rows."
    rows = list(rows)
    return ["\n".join([row(name, "type", "default", "meaning"), row(*["---"] * 4), *rows])] if rows else []


def signature(function, comments):
    "The table of parameters, and what comes back."
    parts = table("parameter", parameters(function, comments))
    if function.returns is not None and ast.unparse(function.returns) != "None":
        comment = comments.get(function.returns.end_lineno, "")
        parts.append(f"Returns {code(function.returns)}" + (f": {words(comment)}" if comment else ""))
    return parts


def one(node, comments, level, name, links=""):
    "A function, or a class with its public methods, under its heading."
    parts = [f"{'#' * level} `{name}` {{ #{name} }}", words(ast.get_docstring(node) or "") + links]
    if isinstance(node, ast.FunctionDef):
        return parts + signature(node, comments)
    parts += table("field", fields(node, comments))
    for method in (n for n in node.body if isinstance(n, ast.FunctionDef)):
        if method.name == "__init__":
            parts += signature(method, comments)
        elif not method.name.startswith("_"):
            parts += one(method, comments, level + 1, f"{name}.{method.name}")
    return parts


def names_of(tree):
    "A module's `__all__`."
    lists = [n.value for n in tree.body if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "__all__"]
    return ast.literal_eval(lists[0]) if lists else []


def module_page(path, owns, lesson, address):
    "The public names of a module: what they do, take and give, with links to the lesson and to the source."
    source = path.read_text(encoding="utf-8")
    tree, comments = ast.parse(source), comments_by_line(source)
    public = names_of(tree)
    parts = [f"# unetvgg_seg.{path.stem}", f"> {owns[0].upper()}{owns[1:]}", f"[The lesson]({lesson}) · [the source]({address})"]
    for node in tree.body:
        if isinstance(node, ANCHORED) and node.name in public:
            links = f" · [lesson]({lesson}#{node.name}) · [source]({address}#L{node.lineno}-L{node.end_lineno})"
            parts += one(node, comments, 2, node.name, links)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if getattr(target, "id", "_") in public:
                parts += [f"## `{target.id}` {{ #{target.id} }}", words(comments.get(node.end_lineno, "")),
                          f"```python\n{ast.get_source_segment(source, node)}\n```"]
    return "\n\n".join(parts) + "\n"


def command_page():
    "The command and its subcommands, each as its --help says."
    from unetvgg_seg.cli import app
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="unetvgg-seg", title="The command")
    return re.sub(r"^\*\*Commands\*\*:\n\n(\* .*\n)+", "", text, flags=re.M)   # the table of contents lists them in full
