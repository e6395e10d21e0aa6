"A notebook as Markdown and pictures, the way that nbdev's own pages show it: .ci/readme and .ci/docs share it."
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


class Filter(FilterDefaults):
    "nbdev's page filter, less what needs Quarto, runs code or guesses links, and with exported code shown as it is."

    def base_procs(self):
        less = {"FrontmatterProc", "insert_warning", "add_links", "add_show_docs", "exec_show_docs", "rm_export"}
        return [rm_hidden, *(p for p in super().base_procs() if p.__name__ not in less)]


def take_options(cell):
    "Take Quarto's `#| name: value` lines off a code cell, and return them."
    found = dict(re.findall(r"^#\|[ \t]*([\w-]+):[ \t]*(.*?)[ \t]*$", cell.source, flags=re.M))
    cell.source = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.M).strip("\n")
    return {name: value.strip("\"'") for name, value in found.items()}


def move_links(text, folder, address):
    "`text` with each `[..](file)` and `src=\"file\"` that names a file seen from `folder` at the file's new `address`."
    def move(match):
        name, mark, anchor = match[2].partition("#")
        target = (folder / name).resolve()
        return match[1] + (address(target) + mark + anchor if name and target.exists() else match[2])
    return re.sub(r"(\]\(|src=\")([^)\s\"]+)", move, text)


def take_picture(output, alt, folder, pictures):
    "Put the output's picture into `pictures` under the next number, and leave a Markdown link to it."
    kind = next((kind for kind in SUFFIX if kind in output.get("data", {})), None)
    if not kind:
        return
    name, data = f"{len(pictures) + 1}.{SUFFIX[kind]}", output.data[kind]
    pictures[name] = data.encode() if kind == "image/svg+xml" else b64decode(data)
    output.data = {"text/markdown": f"![{alt}]({folder}/{name})"}


def to_markdown(notebook, folder, address):
    "The notebook's page, and its pictures by name, for `folder` beside the page; `address` as in `move_links`."
    pictures = {}
    nb = read_nb(notebook)
    Filter()(nb)
    nb = nbformat.reads(nb2str(nb), as_version=4)
    nb.metadata["language_info"] = {"name": "python"}   # nbdev_clean drops it, nbconvert names the fences after it
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = move_links(cell.source, notebook.parent, address)
            continue
        options = take_options(cell)
        if options.get("echo") == "false" or not cell.source:
            cell.metadata["tags"] = ["no-code"]
        if options.get("output") == "false":
            cell.outputs = []
        for output in cell.outputs:
            take_picture(output, options.get("fig-alt", options.get("fig-cap", "")), folder, pictures)
    hide = {"TagRemovePreprocessor": {"enabled": True, "remove_input_tags": {"no-code"}}}
    text, _ = MarkdownExporter(config=Config(hide)).from_notebook_node(nb)
    text = re.sub(r"^[ \t]+$", "", text, flags=re.M)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", pictures
