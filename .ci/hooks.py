"What the site does to each finished page: code is folded, formulas are set, words and names get links, pictures are checked."
import ast
import logging
import re
from collections import defaultdict
from pathlib import Path

from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from markdown.extensions.toc import slugify
from pages import public_names
from reference import names_of

log = logging.getLogger("mkdocs.hooks")
TERMS = {}   # of the glossary: a pattern for the word and its plural, the anchor
NAMES = {}   # of the API: the module whose page has the name
NOT_IN = ["a", "code", "pre", "h1", "h2", "h3", "h4", "summary", "math", "th", "figcaption"]


def find_names():
    "Public names of one module; the rooms `cli` and `original` repeat other rooms' names. Plain words mean many things."
    modules = defaultdict(list)
    for path in sorted(Path(__file__).parents[1].glob("unetvgg_seg/*.py")):
        for name in names_of(ast.parse(path.read_text(encoding="utf-8"))):
            modules[name].append(path.stem)
    for name, all_of_it in modules.items():
        homes = [module for module in all_of_it if module not in {"cli", "original"}] or all_of_it
        if len(homes) == 1 and ("_" in name or not name.islower()):
            NAMES[name] = homes[0]


def on_files(files, config):
    "Read the glossary's headings once: `## Stride` is a term, `## IoU, Jaccard { #iou }` two. And the names."
    find_names()
    text = files.get_file_from_path("glossary.md").content_string
    for heading in re.findall(r"^## (.*)", text, flags=re.M):
        words = re.sub(r"\s*\{.*", "", heading)
        place = (re.findall(r"#([\w-]+)", heading) or [slugify(words, "-")])[0]
        for word in words.split(", "):
            TERMS[word] = re.compile(rf"\b{re.escape(word)}s?\b", 0 if word.isupper() else re.I), place
    return files


def fold(soup, block, words, is_open):
    details = soup.new_tag("details", attrs={"class": "folded"})
    if is_open:
        details["open"] = ""
    summary = soup.new_tag("summary")
    summary.string = words
    block.insert_before(details)
    details.extend([summary, block])
    return details


def fold_code(soup):
    "Exported code can be folded; imports and hidden cells are folded, neighbors as one."
    for block in soup.select("div.source"):
        fold(soup, block, "Source: " + (", ".join(public_names(block.get_text())) or "a helper"), True)
    last = None
    for block in soup.select("div.setup"):
        before = block.find_previous_sibling()
        if last is not None and before is last:
            last.append(block.extract())
        else:
            last = fold(soup, block, "Imports and other groundwork", False)


def set_formulas(soup):
    "MathML, which a browser shows without help."
    for formula in soup.select(".arithmatex"):
        text = formula.get_text().strip()
        shown = "block" if formula.name == "div" else "inline"
        formula.replace_with(BeautifulSoup(convert(text[2:-2], display=shown), "html.parser"))


def link_terms(soup, page):
    "The first use of each of the glossary's words leads there."
    left = dict(TERMS)
    there = "../" * page.url.count("/") + "glossary.html#"
    for text in soup.find_all(string=True):
        if text.find_parent(NOT_IN) or not text.find_parent(["p", "li", "td"]):
            continue
        hits = sorted((match.start(), -match.end(), place) for pattern, place in left.values() if (match := pattern.search(text)))
        pieces, end = [], 0
        for start, stop, place in hits:
            if start < end or place not in {p for _, p in left.values()}:
                continue
            link = soup.new_tag("a", href=there + place, attrs={"class": "term"})
            link.string = text[start:-stop]
            pieces += [text[end:start], link]
            end = -stop
            left = {word: (pattern, p) for word, (pattern, p) in left.items() if p != place}
        if pieces:
            text.replace_with(*pieces, text[end:])


def link_names(soup, page):
    "The first use of each of the API's names leads to its reference, but on the page that defines it."
    defined = {tag["id"] for tag in soup.find_all(id=True)}
    left = {name: module for name, module in NAMES.items() if name not in defined}
    for code in soup.find_all("code"):
        name = re.sub(r"\(.*\)$", "", code.get_text())
        if name in left and code.find_parent(["p", "li", "td"]) and not code.find_parent(["a", "pre"]):
            there = f"{'../' * page.url.count('/')}reference/{left.pop(name)}.html#{name}"
            code.wrap(soup.new_tag("a", href=there, attrs={"class": "term"}))


def check_pictures(soup, page):
    for picture in soup.find_all("img"):
        picture["loading"] = "lazy"
        if not picture.get("alt", "").strip():
            log.warning("%s: the picture %s needs a description", page.file.src_uri, picture.get("src"))
    for clip in soup.find_all("video"):
        if not clip.get("aria-label"):   # a notebook's own player has none
            clip["aria-label"] = f"A clip: {clip.find_previous(['h1', 'h2', 'h3']).get_text().rstrip('¶')}"


def on_page_content(html, page, config, files):
    soup = BeautifulSoup(html, "html.parser")
    fold_code(soup)
    set_formulas(soup)
    if page.file.src_uri not in {"glossary.md", "changelog.md", "index.md"} and not page.file.src_uri.startswith("reference/"):
        link_terms(soup, page)
        link_names(soup, page)
    check_pictures(soup, page)
    return str(soup)
