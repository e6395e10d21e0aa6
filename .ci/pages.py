"A notebook as Markdown and pictures, the way that nbdev's own pages show it: .ci/readme and .ci/docs share it."
import ast
import re
from base64 import b64decode

import nbformat
from execnb.nbio import nb2str, read_nb
from nbconvert import MarkdownExporter
from nbdev.processors import FilterDefaults
from traitlets.config import Config

SUFFIX = {"image/gif": "gif", "image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg"}


def rm_hidden(cell):
    "Drop what nobody should read; exported code stays, for it is the lesson."
    if cell.directives_.keys() & {"hide", "default_exp"}:
        del cell["source"]


def only_imports(code):
    "Does the cell do nothing but import?"
    try:
        return all(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(code).body)
    except SyntaxError:   # a magic of the notebook's
        return False


def public_names(code):
    "What a cell of exported code defines for others."
    for node in ast.parse(code).body:
        targets = node.targets if isinstance(node, ast.Assign) else [node]
        names = [getattr(target, "name", getattr(target, "id", "_")) for target in targets]
        yield from (name for name in names if not name.startswith("_"))


def mark_folds(cell):
    "For the site: a first line says what .ci/hooks.py folds, imports and hidden cells (`setup`), and exported code (`source`)."
    if "default_exp" in cell.directives_:
        del cell["source"]
    elif cell.cell_type != "code" or not cell.source.strip():
        return
    elif "hide" in cell.directives_ or only_imports(cell.source):
        cell.source = "#folds setup\n" + cell.source
    elif cell.directives_.keys() & {"export", "exports"}:
        cell.source = "#folds source\n" + cell.source


class Filter(FilterDefaults):
    "nbdev's page filter, less what needs Quarto, runs code or guesses links. Exported code stays; hidden cells do for the site."
    def __init__(self, site):
        self.site = site

    def base_procs(self):
        less = {"FrontmatterProc", "insert_warning", "add_links", "add_show_docs", "exec_show_docs", "rm_export"}
        less |= {"hide_"} if self.site else set()
        return [mark_folds if self.site else rm_hidden, *(p for p in super().base_procs() if p.__name__ not in less)]


def take_options(cell):
    "Take Quarto's `#| name: value` lines off a code cell, and return them."
    found = dict(re.findall(r"^#\|[ \t]*([\w-]+):[ \t]*(.*?)[ \t]*$", cell.source, flags=re.M))
    cell.source = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.M).strip("\n")
    return {name: re.sub(r"^([\"'])(.*)\1$", r"\2", value) for name, value in found.items()}


def move_links(text, folder, address):
    "`text` with each `[..](file)` and `src=\"file\"` that names a file seen from `folder` at the file's new `address`."
    def move(match):
        name, mark, anchor = match[2].partition("#")
        target = (folder / name).resolve()
        return match[1] + (address(target) + mark + anchor if name and target.exists() else match[2])
    return re.sub(r"(\]\(|src=\")([^)\s\"]+)", move, text)


def words_for(code, heading):
    "For a picture without a description: the titles that its cell gives to pictures and axes, else the heading above it."
    try:
        calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    except SyntaxError:
        calls = []
    titles = [arg for call in calls if getattr(call.func, "id", "") == "show_images" for arg in call.args[1:2]]
    titles += [word.value for call in calls for word in call.keywords if word.arg in {"title", "xlabel", "ylabel", "label"}]
    texts = [node.value for title in titles for node in ast.walk(title) if isinstance(node, ast.Constant)]
    words = "; ".join(text for text in texts if isinstance(text, str) and text.strip())
    return re.sub(r"[\[\]\n$]", " ", words or f"Picture: {heading}")


def take_picture(output, alt, folder, pictures):
    "Put the output's picture into `pictures` under the next number, and leave a Markdown link to it."
    kind = next((kind for kind in SUFFIX if kind in output.get("data", {})), None)
    if not kind:
        return
    name, data = f"{len(pictures) + 1}.{SUFFIX[kind]}", output.data[kind]
    pictures[name] = data.encode() if kind == "image/svg+xml" else b64decode(data)
    output.data = {"text/markdown": f"![{alt}]({folder}/{name})"}


def plain(text):
    "Words without their Markdown, as a picture's description."
    return re.sub(r"[*`\[\]]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text))


def add_caption(outputs, caption):
    "For the site: put the caption below the cell's last picture, or clip; is there one?"
    shown = [output.data for output in outputs if re.search("!\\[|<img|<video", str(output.get("data", {})))]
    if not shown:
        return False
    kind = "text/markdown" if "text/markdown" in shown[-1] else "text/html"
    shown[-1]["text/markdown"] = (f"<figure markdown>\n\n{shown[-1].pop(kind)}\n\n"
                                  f'<figcaption markdown="span">{caption}</figcaption>\n</figure>')
    return True


def set_apart(output):
    "For the site: what a cell printed or returned, as a block that looks different from code."
    text = output.get("text") or output.get("data", {}).get("text/plain")
    if text and not output.get("data", {}).keys() & {"text/markdown", "text/html"}:
        block = f"~~~~ {{ .text .output }}\n{text.rstrip()}\n~~~~"
        output.clear()
        output.update(output_type="display_data", data={"text/markdown": block}, metadata={})


def open_fold(match):
    "Of a marked cell, a fence of the kind's class, behind an anchor for each name that it exports."
    kind, code = match.groups()
    anchors = [f'<div id="{name}" class="anchor"></div>' for name in public_names(code)] if kind == "source" else []
    return "\n".join([*anchors, "", f"``` {{ .python .{kind} }}\n{code}```"])


def to_markdown(notebook, folder, address, site=False):
    "The notebook's page, and its pictures by name, for `folder` beside the page; `address` as in `move_links`."
    pictures, heading = {}, notebook.stem
    nb = read_nb(notebook)
    Filter(site)(nb)
    nb = nbformat.reads(nb2str(nb), as_version=4)
    nb.metadata["language_info"] = {"name": "python"}   # nbdev_clean drops it, nbconvert names the fences after it
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = move_links(cell.source, notebook.parent, address)
            heading = (re.findall(r"^#+ +(.*)", cell.source, flags=re.M) or [heading])[-1]
            continue
        options = take_options(cell)
        if options.get("echo") == "false" or not cell.source:
            cell.metadata["tags"] = ["no-code"]
        if options.get("output") == "false":
            cell.outputs = []
        for output in cell.outputs:
            words = options.get("fig-alt") or plain(options.get("fig-cap", "")) or words_for(cell.source, heading)
            take_picture(output, words, folder, pictures)
            if site:
                set_apart(output)
        caption = options.get("fig-cap")
        if site and caption and not add_caption(cell.outputs, caption):
            raise ValueError(f"{notebook.name}: no picture for the caption {caption!r}; run the cell, or drop its fig-cap")
    hide = {"TagRemovePreprocessor": {"enabled": True, "remove_input_tags": {"no-code"}}}
    text, _ = MarkdownExporter(config=Config(hide)).from_notebook_node(nb)
    text = re.sub(r"^```python\n#folds (\w+)\n(.*?)^```$", open_fold, text, flags=re.M | re.S)
    text = re.sub(r"^[ \t]+$", "", text, flags=re.M)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", pictures
